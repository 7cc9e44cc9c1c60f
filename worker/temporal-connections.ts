/** The connections of a worker to Temporal: for the SDK's workers, its client, and messages of the outbox. */
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection } from '@temporalio/worker';
import type { Logger } from 'pino';
import { whyTemporalRefuses } from '../contract/temporal-refusal';
import type { TaskQueue } from '../contract/task-queues';
import type { Findings } from '../domain/health';
import { RECONNECTION } from '../runtime/temporal-reconnection';
import { retryUntilReachable } from './retry-until-reachable';
import { inspectQueuesOfOthers } from './queues/served-queues';
import { ensureSearchAttributes, whySearchAttributesAreUnusable } from './search-attributes';
import { answerWithin, openOutboxConnection, temporalInterceptors } from './temporal-interceptors';

export interface TemporalConnections {
  namespace: string;
  workerConnection: NativeConnection;
  client: Client;
  /** Gives each call one attempt and 10 s. */
  outboxClient: Client;
  hasSearchAttributes: boolean;
  /** As at the start: a cluster that lost its data has none. */
  registerSearchAttributes(): Promise<boolean>;
  /**
   * Whether Temporal answers and accepts this worker, whether it can use search attributes, and what
   * `inspectQueues` says.
   */
  inspect(withinMs: number): Promise<Findings>;
  /** Whether other workers serve the task queues that this one does not. */
  inspectQueues(withinMs: number): Promise<Findings>;
  close(): Promise<unknown>;
}

const ANSWER_WITHIN_MS = 10_000;
const ANSWER_WITH_RETRIES_MS = 60_000;

export async function connectToTemporal(
  log: Logger,
  served: readonly TaskQueue[],
): Promise<TemporalConnections> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const interceptors = [answerWithin(ANSWER_WITH_RETRIES_MS), ...temporalInterceptors];
  const clientOptions = { ...connectionOptions, channelArgs: RECONNECTION };
  // Without retries, whose last error would be the end of the time instead of the refusal.
  const probe = Connection.lazy({ ...clientOptions, interceptors: [] });
  await retryUntilReachable('Temporal', log, () => askTemporal(probe, ANSWER_WITHIN_MS));
  const workerConnection = await retryUntilReachable('Temporal', log, () =>
    NativeConnection.connect(connectionOptions),
  );
  const clientConnection = await retryUntilReachable('Temporal', log, () =>
    Connection.connect({ ...clientOptions, interceptors }),
  );
  const outboxConnection = openOutboxConnection(clientOptions);
  const connections = [probe, workerConnection, clientConnection, outboxConnection];
  const inspectQueues = (withinMs: number): Promise<Findings> =>
    probe
      .withDeadline(Date.now() + withinMs, () => inspectQueuesOfOthers(probe, { namespace, served }))
      .catch(() => ({})); // `inspect` says that Temporal does not answer
  const registerSearchAttributes = () => ensureSearchAttributes(clientConnection, namespace, log);
  return {
    namespace,
    workerConnection,
    client: new Client({ connection: clientConnection, namespace }),
    outboxClient: new Client({ connection: outboxConnection, namespace }),
    hasSearchAttributes: await registerSearchAttributes(),
    registerSearchAttributes,
    async inspect(withinMs) {
      const asked = [inspectTemporal(probe, namespace, withinMs), inspectQueues(withinMs)];
      const [temporal, queues] = await Promise.all(asked);
      return { ...temporal, ...queues };
    },
    inspectQueues,
    close: () => Promise.all(connections.map((one) => one.close())),
  };
}

/** Throws if Temporal does not answer or refuses this process. */
async function askTemporal(connection: Connection, withinMs: number): Promise<void> {
  await connection.withDeadline(Date.now() + withinMs, () => connection.workflowService.getSystemInfo({}));
}

async function inspectTemporal(
  connection: Connection,
  namespace: string,
  withinMs: number,
): Promise<Findings> {
  try {
    await askTemporal(connection, withinMs);
  } catch (error) {
    const detail = whyTemporalRefuses(error) ?? 'Temporal cannot be reached.';
    return { temporal: { status: 'failed', detail } };
  }
  const unusable = await connection
    .withDeadline(Date.now() + withinMs, () => whySearchAttributesAreUnusable(connection, namespace))
    .catch(() => 'the cluster does not list them');
  return {
    temporal: { status: 'ok' },
    search_attributes:
      unusable === undefined
        ? { status: 'ok' }
        : { status: 'warning', detail: `Work runs without search attributes: ${unusable}.` },
  };
}
