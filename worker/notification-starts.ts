/** Starts the workflow of one person's notification, and tells it once that person has seen it. Both may be repeated. */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import {
  NOTIFICATION_WORKFLOW,
  type NotificationInput,
  notificationViewedSignal,
  notificationWorkflowId,
} from '../contract/notification';
import { TASK_QUEUES } from '../contract/task-queues';

/** @throws when Temporal did not take it. Started again after its end it finds what was decided, and ends. */
export async function startNotification(client: Client, input: NotificationInput): Promise<void> {
  await client.workflow.start(NOTIFICATION_WORKFLOW, {
    workflowId: notificationWorkflowId(input),
    taskQueue: TASK_QUEUES.workflows,
    args: [input],
    workflowIdConflictPolicy: 'USE_EXISTING',
    staticSummary: 'Shows a notification to one person, and sends it by e-mail if it is not viewed in time',
  });
}

/** @throws when Temporal did not take it. One that has ended, or begins only now, reads its row. */
export async function signalNotificationViewed(
  client: Client,
  { notificationRecipientId }: Pick<NotificationInput, 'notificationRecipientId'>,
): Promise<void> {
  try {
    await client.workflow
      .getHandle(notificationWorkflowId({ notificationRecipientId }))
      .signal(notificationViewedSignal);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
