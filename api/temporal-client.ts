/**
 * The API's only direct use of Temporal. All other work goes through tables and the outbox, so writes succeed
 * while Temporal is down. The client connects on first use, so the API also starts without Temporal.
 */
import {
  Client,
  Connection,
  NamespaceNotFoundError,
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  type WorkflowHandle,
  WorkflowNotFoundError,
} from '@temporalio/client';
import {
  INTEGRATION_CHECK_WORKFLOW,
  type CheckIntegrationInput,
  type CheckIntegrationResult,
  integrationCheckWorkflowId,
} from '../contract/integration-check';
import {
  MAPPING_SAMPLES_WORKFLOW,
  type MappingSamplesInput,
  mappingSamplesWorkflowId,
} from '../contract/mapping-samples';
import {
  OAUTH_CONSENT_WORKFLOW,
  type OAuthConsentInput,
  type OAuthConsentResult,
  oauthConsentWorkflowId,
} from '../contract/oauth-consent';
import {
  END_SUBSCRIPTION_WORKFLOW,
  type EndSubscriptionInput,
  type EndSubscriptionResult,
  endSubscriptionWorkflowId,
} from '../contract/webhook-subscription';
import { TASK_QUEUES } from '../contract/task-queues';
import { whyTemporalRefuses } from '../contract/temporal-refusal';
import type { Finding } from '../domain/health';
import { HttpError } from './http/http-error';

export interface TemporalClient {
  /**
   * Lets a worker check that the app responds and accepts the credentials. A request during a check shares
   * its result. Throws `temporal_unavailable`, or `check_unanswered` when no worker finishes the check in
   * time.
   */
  checkIntegration(input: CheckIntegrationInput): Promise<CheckIntegrationResult>;
  /**
   * Lets a worker exchange the code of a consent. A repeated request shares the result, also of an exchange
   * that has ended. Throws `temporal_unavailable` or `check_unanswered`. The row of the consent has the
   * words.
   */
  exchangeConsent(input: OAuthConsentInput): Promise<OAuthConsentResult>;
  /**
   * Lets a worker read a few records of the app into the row of the trial. Throws `temporal_unavailable` or
   * `check_unanswered`.
   */
  readMappingSamples(input: MappingSamplesInput): Promise<void>;
  /**
   * Lets a worker cancel the webhook subscriptions of an integration. Throws `temporal_unavailable` or
   * `check_unanswered`.
   */
  endSubscription(input: EndSubscriptionInput): Promise<EndSubscriptionResult>;
  /** For readiness: whether Temporal answers and accepts this process. */
  inspect(withinMs: number): Promise<Finding>;
  close(): Promise<void>;
}

export interface TemporalOptions {
  connection: NonNullable<Parameters<typeof Connection.lazy>[0]>;
  namespace: string;
  answerWithinMs?: number;
}

/** Slightly longer than the time limit of a check. */
const ANSWER_WITHIN_MS = 25_000;
const START_WITHIN_MS = 3_000;
/** Checks expire, so that a worker that was down does not run a backlog of old checks. */
const EXECUTION_TIMEOUT_MS = 60_000;
const RETRY_LATER = { 'Retry-After': '5' };
/** The last two are those of a Temporal that has lost its data. */
const UNAVAILABLE = [ServiceError, NamespaceNotFoundError, WorkflowNotFoundError];

export function createTemporalClient({
  connection: options,
  namespace,
  answerWithinMs = ANSWER_WITHIN_MS,
}: TemporalOptions): TemporalClient {
  // Without the SDK's own retries: the caller gets an error at once and can retry, and no call outlives the
  // connection.
  const connection = Connection.lazy({ ...options, interceptors: [] });
  const client = new Client({ connection, namespace });

  const start = (workflow: string, started: WorkflowToStart) =>
    startWorkflow({ client, connection }, workflow, started);
  const resultOf = <Result>(starting: Promise<WorkflowHandle>) =>
    awaitResult<Result>(starting, answerWithinMs);
  const run =
    <Input extends { integrationId: string }, Result>(
      workflow: string,
      idOf: (input: Input) => string,
      act: string,
    ) =>
    (input: Input): Promise<Result> => {
      const summary = `${act} integration ${input.integrationId}`;
      return resultOf(start(workflow, { workflowId: idOf(input), args: input, summary }));
    };

  return {
    checkIntegration: run(INTEGRATION_CHECK_WORKFLOW, integrationCheckWorkflowId, 'Check'),

    exchangeConsent(input) {
      const workflowId = oauthConsentWorkflowId(input);
      const summary = `Connect an account to integration ${input.integrationId}`;
      const starting = start(OAUTH_CONSENT_WORKFLOW, { workflowId, args: input, summary, isOnce: true });
      return resultOf(
        starting.catch((error: unknown) => {
          if (error instanceof WorkflowExecutionAlreadyStartedError)
            return client.workflow.getHandle(workflowId);
          throw error;
        }),
      );
    },

    readMappingSamples: run(MAPPING_SAMPLES_WORKFLOW, mappingSamplesWorkflowId, 'Try a mapping of'),

    endSubscription: run(END_SUBSCRIPTION_WORKFLOW, endSubscriptionWorkflowId, 'Cancel webhooks of'),

    async inspect(withinMs) {
      try {
        await connection.withDeadline(Date.now() + withinMs, () =>
          connection.workflowService.getSystemInfo({}),
        );
        return { status: 'ok' };
      } catch (error) {
        const refusal = whyTemporalRefuses(error);
        return { status: 'warning', detail: refusal ?? 'Temporal cannot be reached. Changes are queued.' };
      }
    },

    async close() {
      await connection.close();
    },
  };
}

interface WorkflowToStart {
  workflowId: string;
  args: object;
  summary: string;
  /** An execution that has ended counts, too. */
  isOnce?: boolean;
}

async function startWorkflow(
  { client, connection }: { client: Client; connection: Connection },
  workflow: string,
  { workflowId, args, summary, isOnce = false }: WorkflowToStart,
): Promise<WorkflowHandle> {
  const starting = connection.withDeadline(Date.now() + START_WITHIN_MS, () =>
    client.workflow.start(workflow, {
      workflowId,
      taskQueue: TASK_QUEUES.workflows,
      args: [args],
      workflowIdConflictPolicy: 'USE_EXISTING',
      ...(isOnce && { workflowIdReusePolicy: 'REJECT_DUPLICATE' as const }),
      workflowExecutionTimeout: EXECUTION_TIMEOUT_MS,
      staticSummary: summary,
    }),
  );
  return within(START_WITHIN_MS, starting, new HttpError('temporal_unavailable', { headers: RETRY_LATER }));
}

async function awaitResult<Result>(starting: Promise<WorkflowHandle>, withinMs: number): Promise<Result> {
  try {
    const handle = await starting;
    const result = handle.result() as Promise<Result>;
    return await within(withinMs, result, new HttpError('check_unanswered', { headers: RETRY_LATER }));
  } catch (cause) {
    if (cause instanceof WorkflowFailedError)
      throw new HttpError('check_unanswered', { headers: RETRY_LATER, cause });
    throw UNAVAILABLE.some((kind) => cause instanceof kind)
      ? new HttpError('temporal_unavailable', { headers: RETRY_LATER, cause })
      : cause;
  }
}

/** Limits the time that callers wait; connecting has a longer timeout of its own. */
async function within<T>(milliseconds: number, promise: Promise<T>, late: HttpError): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(reject, milliseconds, late);
  });
  promise.catch(() => undefined);
  return Promise.race([promise, tooLate]).finally(() => clearTimeout(timer));
}
