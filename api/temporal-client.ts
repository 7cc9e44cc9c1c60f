/**
 * The API's only door to Temporal. Everything else goes through rows and the outbox, so writes go on while Temporal is down;
 * the connection is made at the first question, so the API starts and serves without Temporal too.
 */
import {
  Client,
  Connection,
  ServiceError,
  WorkflowFailedError,
  type WorkflowHandle,
} from '@temporalio/client';
import {
  INTEGRATION_CHECK_WORKFLOW,
  type CheckIntegrationInput,
  type CheckIntegrationResult,
  integrationCheckWorkflowId,
} from '../contract/integration-check';
import { TASK_QUEUES } from '../contract/task-queues';
import { HttpError } from './http/http-error';

export interface Orchestrator {
  /**
   * Has a worker ask the third party whether it answers and the credentials hold; asking while a check runs gets that one's answer.
   * Throws `temporal_unavailable`, or `check_unanswered` when no worker answers in time.
   */
  checkIntegration(input: CheckIntegrationInput): Promise<CheckIntegrationResult>;
  close(): Promise<void>;
}

export interface TemporalOptions {
  connection: NonNullable<Parameters<typeof Connection.lazy>[0]>;
  namespace: string;
  answerWithinMs?: number;
}

const ANSWER_WITHIN_MS = 10_000;
const START_WITHIN_MS = 3_000;
/** Nobody waits for a check any longer than this: a worker that comes back later does not work off a heap of old ones. */
const EXECUTION_TIMEOUT_MS = 60_000;
const COME_BACK = { 'Retry-After': '5' };

export function createOrchestrator({
  connection: options,
  namespace,
  answerWithinMs = ANSWER_WITHIN_MS,
}: TemporalOptions): Orchestrator {
  // Without the SDK's own retries: whoever asks is told at once and asks again, and nothing is tried once the connection is closed.
  const connection = Connection.lazy({ ...options, interceptors: [] });
  const client = new Client({ connection, namespace });

  async function startCheck(input: CheckIntegrationInput): Promise<WorkflowHandle> {
    const starting = connection.withDeadline(Date.now() + START_WITHIN_MS, () =>
      client.workflow.start(INTEGRATION_CHECK_WORKFLOW, {
        workflowId: integrationCheckWorkflowId(input),
        taskQueue: TASK_QUEUES.workflows,
        args: [input],
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowExecutionTimeout: EXECUTION_TIMEOUT_MS,
        staticSummary: `Check integration ${input.integrationId}`,
      }),
    );
    return within(START_WITHIN_MS, starting, new HttpError('temporal_unavailable', { headers: COME_BACK }));
  }

  return {
    async checkIntegration(input) {
      try {
        const handle = await startCheck(input);
        const result = handle.result() as Promise<CheckIntegrationResult>;
        return await within(
          answerWithinMs,
          result,
          new HttpError('check_unanswered', { headers: COME_BACK }),
        );
      } catch (cause) {
        if (cause instanceof WorkflowFailedError)
          throw new HttpError('check_unanswered', { headers: COME_BACK, cause });
        throw cause instanceof ServiceError
          ? new HttpError('temporal_unavailable', { headers: COME_BACK, cause })
          : cause;
      }
    },

    async close() {
      await connection.close();
    },
  };
}

/** The connection has a patience of its own while it is being made; callers have ours. */
async function within<T>(milliseconds: number, work: Promise<T>, late: HttpError): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(reject, milliseconds, late);
  });
  work.catch(() => undefined);
  return Promise.race([work, tooLate]).finally(() => clearTimeout(timer));
}
