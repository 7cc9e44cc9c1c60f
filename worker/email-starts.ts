/** Starts the workflow that sends one e-mail. Asked again it does nothing: not while it runs, nor once it has come to its end. */
import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { SEND_EMAIL_WORKFLOW, type SendEmailInput, sendEmailWorkflowId } from '../contract/email';
import { TASK_QUEUES } from '../contract/task-queues';

export type StartEmail = (email: SendEmailInput) => Promise<void>;

/** @throws when Temporal did not take it. */
export function createStartEmail(client: Client): StartEmail {
  return async (input) => {
    try {
      await client.workflow.start(SEND_EMAIL_WORKFLOW, {
        workflowId: sendEmailWorkflowId(input),
        taskQueue: TASK_QUEUES.workflows,
        args: [input],
        workflowIdConflictPolicy: 'USE_EXISTING',
        // One that was terminated by hand may be brought back: the row knows whether its e-mail has been sent.
        workflowIdReusePolicy: 'ALLOW_DUPLICATE_FAILED_ONLY',
        staticSummary: 'Sends one e-mail',
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  };
}
