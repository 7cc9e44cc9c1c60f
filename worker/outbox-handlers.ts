/**
 * Each topic of the outbox signals or starts one workflow. Repeating a message is harmless: workflows read
 * their rows, and their ids are fixed.
 */
import { type Client, WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import {
  BACKGROUND_TASK_WORKFLOW,
  type BackgroundTaskInput,
  backgroundTaskWorkflowId,
} from '../contract/background-task';
import {
  DEFINITION_ROLLOUT_WORKFLOW,
  type DefinitionRolloutInput,
  definitionRolloutChangedSignal,
  definitionRolloutWorkflowId,
} from '../contract/definition-rollout';
import { EMAIL_WORKFLOW, type SendEmailInput, emailWorkflowId } from '../contract/email';
import {
  ERASURE_WORKFLOW,
  type ErasureInput,
  erasureChangedSignal,
  erasureWorkflowId,
} from '../contract/erasure';
import {
  INCOMING_CHANGES_WORKFLOW,
  type IncomingChangesInput,
  incomingChangesWorkflowId,
  incomingDueSignal,
} from '../contract/incoming-changes';
import {
  NOTIFICATION_WORKFLOW,
  type NotificationInput,
  notificationViewedSignal,
  notificationWorkflowId,
} from '../contract/notification';
import {
  OVERVIEW_WORKFLOW,
  type OverviewInput,
  overviewChangedSignal,
  overviewWorkflowId,
} from '../contract/overview';
import {
  RECORD_PUSH_WORKFLOW,
  type RecordPushInput,
  recordPushWorkflowId,
  recordsDueSignal,
} from '../contract/record-push';
import {
  SYNC_RUN_WORKFLOW,
  type SyncRunInput,
  syncRunsChangedSignal,
  syncRunWorkflowId,
} from '../contract/sync-run';
import {
  deliveriesDueSignal,
  WEBHOOK_ENDPOINT_WORKFLOW,
  type WebhookEndpointInput,
  webhookEndpointWorkflowId,
} from '../contract/webhook-endpoint';
import {
  TENANT_DELETION_WORKFLOW,
  type TenantDeletionInput,
  tenantDeletionWorkflowId,
} from '../contract/tenant-deletion';
import { type Database, unlessDeleted } from '../db/database';
import type { DueMessage, MessageOf } from '../db/platform/outbox';
import { noteSignal, readLook } from '../db/push/queue/queue-looks';
import { updateSchedules } from '../db/sync-runs/sync-schedules';
import { searchable, started, unlessRunning } from '../contract/workflow-options';
import { tellingIfAway } from './temporal-away';

/** @throws Temporal's error if it refused the message, or `TemporalAway`. */
export type OutboxHandler = (message: DueMessage) => Promise<void>;

export interface OutboxHandlerOptions {
  /** False if the cluster refused to register them. */
  hasSearchAttributes: boolean;
  database?: Database;
}

export function createOutboxHandlers(client: Client, options: OutboxHandlerOptions): OutboxHandler {
  const { hasSearchAttributes, database } = options;
  const temporal: Temporal = { client, hasSearchAttributes };
  return tellingIfAway(client, async (message) => {
    switch (message.topic) {
      case 'record_push':
        return signalPushQueue(temporal, message, database);
      case 'sync_run':
        return signalSyncRuns(temporal, message);
      case 'sync_schedule':
        // From an api of a former version, which does not write the rows.
        return (
          database &&
          unlessDeleted(database.withTenant(message.tenantId, (work) => updateSchedules(work, message)))
        );
      case 'incoming_changes':
        return signalIncomingChanges(temporal, message);
      case 'email':
        return startEmail(client, message);
      case 'webhook_endpoint':
        return signalEndpointQueue(temporal, message);
      case 'overview':
        return signalOverview(temporal, message);
      case 'erasure':
        return signalErasure(client, message);
      case 'notification':
        return startNotification(client, message);
      case 'notification_viewed':
        return signalNotificationViewed(client, message);
      case 'background_task':
        return startBackgroundTask(temporal, message);
      case 'tenant_deletion':
        return startTenantDeletion(client, { tenantId: message.deletedTenantId });
      case 'definition_rollout':
        return signalRollout(client, message);
      default:
        throw new Error(`This version does not know the topic ${(message as DueMessage).topic}.`);
    }
  });
}

type Temporal = { client: Client; hasSearchAttributes: boolean };

/** Does nothing if the queue looks early enough by itself. */
async function signalPushQueue(
  { client, hasSearchAttributes }: Temporal,
  { tenantId, integrationId, nextDueAt }: MessageOf<'record_push'>,
  database: Database | undefined,
): Promise<void> {
  const due = { tenantId, integrationId, dueAt: nextDueAt };
  // A signal too many is harmless: trouble of the database must not make the message back off.
  const known = await database?.withDispatcher((work) => readLook(work, due)).catch(() => undefined);
  if (known?.isEarlyEnough === true) return;
  const dueAtMs = nextDueAt.getTime();
  const dueByPriority = known && { ...known.moreUrgent, [known.priorityKey]: dueAtMs };
  const signal = { nextDueAt: dueAtMs, ...(dueByPriority && { dueByPriority }) };
  const input: RecordPushInput = { tenantId, integrationId, ...signal, hasSearchAttributes };
  await client.workflow.signalWithStart(RECORD_PUSH_WORKFLOW, {
    workflowId: recordPushWorkflowId({ integrationId }),
    ...started(input),
    signal: recordsDueSignal,
    signalArgs: [signal],
    staticSummary: 'Pushes changed records of one integration after their grace period',
    ...(hasSearchAttributes ? searchable({ tenantId, integrationId }) : {}),
  });
  if (known !== undefined)
    await database?.withDispatcher((work) => noteSignal(work, { ...due, ...known })).catch(() => undefined);
}

async function signalSyncRuns(
  { client, hasSearchAttributes }: Temporal,
  { tenantId, integrationId }: MessageOf<'sync_run'>,
): Promise<void> {
  const input: SyncRunInput = { tenantId, integrationId, hasSearchAttributes };
  await client.workflow.signalWithStart(SYNC_RUN_WORKFLOW, {
    workflowId: syncRunWorkflowId({ integrationId }),
    signal: syncRunsChangedSignal,
    staticSummary: "Imports one integration's records from the third party",
    ...started(input),
    ...(hasSearchAttributes ? searchable({ tenantId, integrationId }) : {}),
  });
}

async function signalIncomingChanges(
  { client, hasSearchAttributes }: Temporal,
  { tenantId, integrationId, nextDueAt }: MessageOf<'incoming_changes'>,
): Promise<void> {
  const due = { nextDueAt: nextDueAt.getTime() };
  const input: IncomingChangesInput = { tenantId, integrationId, ...due, hasSearchAttributes };
  await client.workflow.signalWithStart(INCOMING_CHANGES_WORKFLOW, {
    workflowId: incomingChangesWorkflowId({ integrationId }),
    ...started(input),
    signal: incomingDueSignal,
    signalArgs: [due],
    staticSummary: "Has the records read that one integration's webhooks have named",
    ...(hasSearchAttributes ? searchable({ tenantId, integrationId }) : {}),
  });
}

async function signalOverview(
  { client, hasSearchAttributes }: Temporal,
  { tenantId, overviewId }: MessageOf<'overview'>,
): Promise<void> {
  const input: OverviewInput = { tenantId, overviewId };
  await client.workflow.signalWithStart(OVERVIEW_WORKFLOW, {
    workflowId: overviewWorkflowId({ overviewId }),
    signal: overviewChangedSignal,
    staticSummary: 'Lists what a sync would change, without changing it',
    ...started(input),
    ...(hasSearchAttributes ? searchable({ tenantId }) : {}),
  });
}

/**
 * The workflow reads the endpoint's owner itself: a tenant's event is also delivered to the platform's
 * endpoints.
 */
async function signalEndpointQueue(
  { client, hasSearchAttributes }: Temporal,
  { endpointId, nextDueAt }: MessageOf<'webhook_endpoint'>,
): Promise<void> {
  const dueAtMs = nextDueAt.getTime();
  const input: WebhookEndpointInput = { endpointId, nextDueAt: dueAtMs, hasSearchAttributes };
  await client.workflow.signalWithStart(WEBHOOK_ENDPOINT_WORKFLOW, {
    workflowId: webhookEndpointWorkflowId({ endpointId }),
    ...started(input),
    signal: deliveriesDueSignal,
    signalArgs: [{ nextDueAt: dueAtMs }],
    staticSummary: 'Delivers events to one webhook endpoint',
    ...(hasSearchAttributes ? searchable({ endpointId }) : {}),
  });
}

/** Does nothing if the workflow is running or has completed. */
async function startEmail(client: Client, { tenantId, emailId }: MessageOf<'email'>): Promise<void> {
  const input: SendEmailInput = { tenantId, emailId };
  try {
    await client.workflow.start(EMAIL_WORKFLOW, {
      workflowId: emailWorkflowId(input),
      ...unlessRunning(input),
      // A terminated workflow may be started again: the row says whether its e-mail has been sent.
      workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
      staticSummary: 'Sends one e-mail',
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

async function signalErasure(client: Client, { tenantId, erasureId }: MessageOf<'erasure'>): Promise<void> {
  const input: ErasureInput = { tenantId, erasureId };
  await client.workflow.signalWithStart(ERASURE_WORKFLOW, {
    workflowId: erasureWorkflowId(input),
    signal: erasureChangedSignal,
    staticSummary: 'Previews or erases records',
    ...started(input),
  });
}

async function signalRollout(client: Client, message: MessageOf<'definition_rollout'>): Promise<void> {
  const { tenantId, rolloutId } = message;
  const input: DefinitionRolloutInput = { tenantId, rolloutId };
  await client.workflow.signalWithStart(DEFINITION_ROLLOUT_WORKFLOW, {
    workflowId: definitionRolloutWorkflowId(input),
    signal: definitionRolloutChangedSignal,
    staticSummary: 'Publishes a version of a third-party definition, step by step',
    ...started(input),
  });
}

/** Started again after its end, the workflow reads the decision that was made and ends. */
async function startNotification(
  client: Client,
  { tenantId, notificationRecipientId }: MessageOf<'notification'>,
): Promise<void> {
  const input: NotificationInput = { tenantId, notificationRecipientId };
  await client.workflow.start(NOTIFICATION_WORKFLOW, {
    workflowId: notificationWorkflowId(input),
    staticSummary: 'Shows a notification to one person, and sends it by e-mail if it is not viewed in time',
    ...unlessRunning(input),
  });
}

/** Started again after its end, the workflow reads that the task has finished and ends. */
async function startBackgroundTask(
  { client, hasSearchAttributes }: Temporal,
  { tenantId, backgroundTaskId }: MessageOf<'background_task'>,
): Promise<void> {
  const input: BackgroundTaskInput = { tenantId, backgroundTaskId };
  await client.workflow.start(BACKGROUND_TASK_WORKFLOW, {
    workflowId: backgroundTaskWorkflowId(input),
    staticSummary: 'Does in chunks what a person decided about many rows',
    ...unlessRunning(input),
    ...(hasSearchAttributes ? searchable({ tenantId }) : {}),
  });
}

/** Started again after its end, the workflow reads that the deletion is done and ends. */
async function startTenantDeletion(client: Client, input: TenantDeletionInput): Promise<void> {
  await client.workflow.start(TENANT_DELETION_WORKFLOW, {
    workflowId: tenantDeletionWorkflowId(input),
    staticSummary: 'Deletes the rows of a deleted tenant',
    ...unlessRunning(input),
  });
}

/** A workflow that has ended, or has not started yet, needs no signal: it reads its row. */
async function signalNotificationViewed(
  client: Client,
  { notificationRecipientId }: MessageOf<'notification_viewed'>,
): Promise<void> {
  try {
    await client.workflow
      .getHandle(notificationWorkflowId({ notificationRecipientId }))
      .signal(notificationViewedSignal);
  } catch (error) {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
  }
}
