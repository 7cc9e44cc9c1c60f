/** The connections of a worker to Temporal: the SDK has one for its workers and one for its client. */
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection } from '@temporalio/worker';
import type { Logger } from 'pino';
import { whyTemporalRefuses } from '../contract/temporal-refusal';
import type { Findings } from '../domain/health';
import { retryUntilReachable } from './retry-until-reachable';
import { ensureSearchAttributes, whySearchAttributesAreUnusable } from './search-attributes';
import { temporalInterceptors } from './temporal-interceptors';

export interface TemporalConnections {
  namespace: string;
  workerConnection: NativeConnection;
  client: Client;
  hasSearchAttributes: boolean;
  /** As at the start: a cluster that lost its data has none. */
  registerSearchAttributes(): Promise<boolean>;
  /** Whether Temporal answers and accepts this worker, and whether it can use search attributes. */
  inspect(withinMs: number): Promise<Findings>;
  close(): Promise<unknown>;
}

const ANSWER_WITHIN_MS = 10_000;

export async function connectToTemporal(log: Logger): Promise<TemporalConnections> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  // Without retries, whose last error would be the end of the time instead of the refusal.
  const probe = Connection.lazy({ ...connectionOptions, interceptors: [] });
  await retryUntilReachable('Temporal', log, () => askTemporal(probe, ANSWER_WITHIN_MS));
  const workerConnection = await retryUntilReachable('Temporal', log, () =>
    NativeConnection.connect(connectionOptions),
  );
  const clientConnection = await retryUntilReachable('Temporal', log, () =>
    Connection.connect({ ...connectionOptions, interceptors: temporalInterceptors }),
  );
  const registerSearchAttributes = () => ensureSearchAttributes(clientConnection, namespace, log);
  return {
    namespace,
    workerConnection,
    client: new Client({ connection: clientConnection, namespace }),
    hasSearchAttributes: await registerSearchAttributes(),
    registerSearchAttributes,
    inspect: (withinMs) => inspectTemporal(probe, namespace, withinMs),
    close: () => Promise.all([probe, workerConnection, clientConnection].map((one) => one.close())),
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
