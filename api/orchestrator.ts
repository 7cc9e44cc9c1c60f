/**
 * The API's only door to Temporal. Everything else goes through rows and the outbox, so writes go on while Temporal is down;
 * the connection is made at the first question, so the API starts and serves without Temporal too.
 */
import { Client, Connection, isGrpcServiceError, ServiceError, WorkflowFailedError } from '@temporalio/client';
import {
  CHECK_INTEGRATION_WORKFLOW,
  type CheckIntegrationInput,
  type CheckIntegrationResult,
  checkIntegrationWorkflowId,
} from '../contract/integration-check';
import { TASK_QUEUES } from '../contract/task-queues';
import { HttpError } from './http-error';

export interface Orchestrator {
  /**
   * Has a worker ask the third party whether it answers and the credentials hold; asking while a check runs gets that one's answer.
   * Throws `temporal_unavailable`, or `check_unanswered` when no worker answers within 10 s.
   */
  checkIntegration(input: CheckIntegrationInput): Promise<CheckIntegrationResult>;
  close(): Promise<void>;
}

const ANSWER_WITHIN_MS = 10_000;
const START_WITHIN_MS = 3_000;
const EXECUTION_TIMEOUT_MS = 60_000;

export interface TemporalAddress {
  connection: NonNullable<Parameters<typeof Connection.lazy>[0]>;
  namespace: string;
}

export function createOrchestrator({ connection: options, namespace }: TemporalAddress): Orchestrator {
  const connection = Connection.lazy(options);
  const client = new Client({ connection, namespace });

  async function startCheck(input: CheckIntegrationInput) {
    return connection.withDeadline(Date.now() + START_WITHIN_MS, () =>
      client.workflow.start(CHECK_INTEGRATION_WORKFLOW, {
        workflowId: checkIntegrationWorkflowId(input),
        taskQueue: TASK_QUEUES.workflows,
        args: [input],
        workflowIdConflictPolicy: 'USE_EXISTING',
        workflowExecutionTimeout: EXECUTION_TIMEOUT_MS,
        staticSummary: `Check integration ${input.integrationId}`,
      }),
    );
  }

  return {
    async checkIntegration(input) {
      try {
        const handle = await startCheck(input);
        return await connection.withDeadline(Date.now() + ANSWER_WITHIN_MS, () => handle.result() as Promise<CheckIntegrationResult>);
      } catch (error) {
        throw toHttpError(error);
      }
    },

    async close() {
      await connection.close();
    },
  };
}

function toHttpError(error: unknown): unknown {
  const headers = { 'Retry-After': '5' };
  if (error instanceof WorkflowFailedError) return new HttpError('check_unanswered', { headers, cause: error });
  // DEADLINE_EXCEEDED while waiting for the result means that the server is well and no worker took the task.
  const cause = error instanceof ServiceError ? error.cause : error;
  const isStarted = error instanceof ServiceError && /result|history/i.test(error.message);
  if (isGrpcServiceError(cause) && isStarted && cause.code === GRPC_DEADLINE_EXCEEDED) return new HttpError('check_unanswered', { headers, cause: error });
  if (error instanceof ServiceError || isGrpcServiceError(error)) return new HttpError('temporal_unavailable', { headers, cause: error });
  return error;
}

const GRPC_DEADLINE_EXCEEDED = 4;
