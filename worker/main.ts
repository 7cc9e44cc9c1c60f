/**
 * The worker process: Temporal workers, the outbox dispatcher and the sweep. Start as many as needed; each can do all.
 * SIGTERM or SIGINT: takes no more work, finishes what is running within 20 s, then exits with 0.
 */
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import { ConfigError, loadWorkerConfig, type WorkerConfig } from '../runtime/config';
import { connectors } from '../connectors';
import { Database } from '../db/database';
import { createEncryption, parseEncryptionKeys, EncryptionError } from '../db/platform/encryption';
import { createLog } from '../runtime/log';
import { closeConnections, createHttpClient } from '../egress/http-client';
import { createMailer } from '../egress/mail/smtp-mailer';
import { createSocketOpener } from '../egress/socket-opener';
import { createWebhookSender } from '../egress/webhook-sender';
import { BUNDLE_PATH } from './bundle-workflows';
import { createDependencies } from './dependencies';
import { startOutboxDispatcher } from './outbox-dispatcher';
import { ensureSearchAttributes } from './search-attributes';
import { startSweep } from './sweeper';
import { keepSyncSchedules } from './schedule-reconciler';
import { temporalInterceptors } from './temporal-interceptors';
import { createOutboxHandlers } from './outbox-handlers';
import { createWorkers } from './worker';

async function main(): Promise<void> {
  const config = readConfig();
  const log = createLog({ process: 'worker', level: config.logLevel });
  let isStopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => (isStopping = true));
  installRuntime(config, log);

  const database = new Database({
    url: config.databaseUrl,
    poolSize: config.poolSize,
    statementTimeoutMs: 60_000,
    onConnectionLost: (error) =>
      log.warn({ err: error }, 'lost a database connection; the pool makes a new one'),
  });
  const encryption = createEncryption({ keys: parseEncryptionKeys(config.encryptionKeys) });
  await untilItWorks('database', log, () => encryption.prepare(database));

  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const connection = await untilItWorks('Temporal', log, () => NativeConnection.connect(connectionOptions));
  const clientConnection = await untilItWorks('Temporal', log, () =>
    Connection.connect({ ...connectionOptions, interceptors: temporalInterceptors }),
  );
  const hasSearchAttributes = await ensureSearchAttributes(clientConnection, namespace, log);
  const client = new Client({ connection: clientConnection, namespace });
  const handleRow = createOutboxHandlers(client, { hasSearchAttributes, database });

  const policy = { allowCidrs: config.egress.allowCidrs, allowHttp: config.egress.allowHttp };
  const mailer = config.mail === null ? null : createMailer(config.mail);
  if (mailer === null) log.warn('e-mails wait: set SMTP_URL, SMTP_FROM and PUBLIC_URL');
  const webhookSender = createWebhookSender({ policy });
  const dependencies = createDependencies({
    database,
    encryption,
    connectors,
    createHttpClient: (options) => createHttpClient({ policy, ...options }),
    createSocketOpener: (options) => createSocketOpener({ policy, ...options }),
    mailer,
    webhookSender,
    log,
    isStopping: () => isStopping,
  });
  const workflows = existsSync(BUNDLE_PATH)
    ? { workflowBundle: { codePath: BUNDLE_PATH } }
    : { workflowsPath: require.resolve('../workflows') };
  const workers = await createWorkers({ connection, namespace, dependencies, workflows });
  const dispatcher = startOutboxDispatcher({ database, databaseUrl: config.databaseUrl, handleRow, log });
  const sweeper = startSweep({ database, handleRow, log });
  const schedules = keepSyncSchedules({ client, database, hasSearchAttributes, log });

  log.info({ namespace, hasSearchAttributes }, 'worker running');
  await Promise.all(workers.map((worker) => worker.run())); // until a signal stops them
  await Promise.all([dispatcher.stop(), sweeper.stop(), schedules.stop()]);
  mailer?.close();
  await Promise.all([
    connection.close(),
    clientConnection.close(),
    closeConnections(policy),
    webhookSender.close(),
    database.close(),
  ]);
  log.info('worker stopped');
}

function readConfig(): WorkerConfig {
  try {
    return loadWorkerConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(2);
  }
}

function installRuntime(config: WorkerConfig, log: Logger): void {
  const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const;
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      // One process runs a worker per queue on purpose.
      if (!/^No (activities|workflows) registered/.test(message)) log[levels[level]]({ ...meta }, message);
    }),
    ...(config.metricsPort === undefined
      ? {}
      : {
          telemetryOptions: { metrics: { prometheus: { bindAddress: `127.0.0.1:${config.metricsPort}` } } },
        }),
  });
}

/** Waits for a neighbour that is not up yet, saying so, instead of dying in a circle with it. Our own mistakes are thrown. */
async function untilItWorks<T>(what: string, log: Logger, attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof EncryptionError) throw error;
      log.warn({ err: error }, `${what} does not answer yet; trying again in 2 s`);
      await sleep(2_000);
    }
  }
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
