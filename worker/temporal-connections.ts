/** The connections of a worker to Temporal: the SDK has one for its workers and one for its client. */
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection } from '@temporalio/worker';
import type { Logger } from 'pino';
import { retryUntilReachable } from './retry-until-reachable';
import { ensureSearchAttributes } from './search-attributes';
import { temporalInterceptors } from './temporal-interceptors';

export interface TemporalConnections {
  namespace: string;
  workerConnection: NativeConnection;
  client: Client;
  hasSearchAttributes: boolean;
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
  return {
    namespace,
    workerConnection,
    client: new Client({ connection: clientConnection, namespace }),
    hasSearchAttributes: await ensureSearchAttributes(clientConnection, namespace, log),
    close: () => Promise.all([probe, workerConnection, clientConnection].map((one) => one.close())),
  };
}

/** Throws if Temporal does not answer or refuses this process. */
async function askTemporal(connection: Connection, withinMs: number): Promise<void> {
  await connection.withDeadline(Date.now() + withinMs, () => connection.workflowService.getSystemInfo({}));
}
