/**
 * The worker process: Temporal workers, outbox dispatcher, sweeper and schedule ticker. Any number may run.
 * Each serves all task queues, or those of WORKER_QUEUES; the loops run where `workflows` is served. On
 * SIGTERM or SIGINT the process finishes running activities within 20 s and exits with 0.
 */
import { existsSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { Logger } from 'pino';
import { LATENCY_BUCKETS } from '../activities/latency';
import {
  type ActivityDependencies,
  DELIVERING_LIMITS,
  PULLING_LIMITS,
  PUSHING_LIMITS,
} from '../activities/dependencies';
import { ConfigError, loadWorkerConfig, type WorkerConfig } from '../runtime/config';
import { connectors } from '../connectors';
import { followClock } from '../connectors/clock';
import { loadConnectorPackages, PackagesRefused } from '../connectors/packages/load';
import { limitReaders } from '../connectors/postgres/isolation/readers';
import { Database } from '../db/database';
import { databaseNowMs } from '../db/sql/ids';
import { askDatabase } from '../db/platform/database-health';
import { createEncryption, type Encryption } from '../db/platform/encryption';
import { openErasureKey } from '../db/platform/erasure-key';
import { parseEncryptionKeys } from '../db/platform/encryption-keys';
import { findingsOf } from '../db/notifications/operator-findings';
import { logFindings } from '../runtime/health-log';
import { createLog } from '../runtime/log';
import { whyPoolIsSmall } from '../runtime/worker-variables';
import { exitOnSignalsDuringStart } from '../runtime/start-signals';
import { watchEventLoop } from '../runtime/event-loop';
import { startWatchdog } from '../runtime/watchdog';
import { urlCheck } from '../egress/egress-policy';
import { closeConnections, createHttpClient } from '../egress/http-client';
import { answerLimits } from '../egress/limits/answer-limits';
import { createMailer } from '../egress/mail/smtp-mailer';
import { createSocketOpener } from '../egress/socket-opener';
import { createWebhookSender } from '../egress/webhook-sender';
import { BUNDLE_PATH } from './bundle-workflows';
import { createDependencies, type DependenciesOptions } from './dependencies';
import { startHealthServer } from './health-server';
import { startAbandonedConsents } from './schedules/abandoned-consents';
import { startRecordRecounts } from './schedules/record-recounts';
import { startOperatorAlerts } from './schedules/operator-alerts';
import { startOAuthRefresher } from './schedules/oauth-refresher';
import { startFairnessCheck } from './queues/fairness';
import { startOutboxDispatcher } from './outbox-dispatcher';
import { startSweeper, sweep } from './stalled-work-sweeper';
import { startRestoreDetector } from './restore-detector';
import { startRetirement } from './schedules/retired-schedules';
import { startScheduleTicker } from './schedules/schedule-ticker';
import { connectToTemporal, type TemporalConnections } from './temporal-connections';
import { retryUntilReachable } from './retry-until-reachable';
import { createOutboxHandlers } from './outbox-handlers';
import { ThirdPartySlots } from './third-party-slots';
import { WorkGuard } from './work-guard';
import { createWorkers, type CreateWorkersOptions } from './worker';

const HEALTH_WITHIN_MS = 10_000;

/**
 * The start sequence: configuration, database, Temporal, egress, then the workers and the background loops.
 */
async function main(): Promise<void> {
  const config = readConfig();
  const { queues, slots, cachedWorkflows } = config;
  const log = openLog(config);
  startWatchdog({ process: 'worker', limitSeconds: config.watchdogSeconds });
  const handleSignals = exitOnSignalsDuringStart('worker', log);
  let isStopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => (isStopping = true));
  installRuntime(config, log);
  await loadConnectorPackages(config.connectorPackages, connectors, { log });

  const encryption = createEncryption({ keys: parseEncryptionKeys(config.encryptionKeys) });
  const database = openDatabase(config, encryption, log);
  const health = startHealthServer({ address: config.health, database, eventLoop: watchEventLoop(), log });
  await retryUntilReachable('database', log, () => encryption.verify(database));
  const temporal = await connectToTemporal(log, queues);
  health.askTemporal((withinMs) => temporal.inspect(withinMs));
  const egress = createEgress(config, log);
  const guard = new WorkGuard(database, log, new ThirdPartySlots(database, slots));
  const dependencies = createDependencies({
    database,
    encryption,
    connectors,
    ...egress,
    log,
    pushing: { ...PUSHING_LIMITS, ...config.pushing },
    delivering: { ...DELIVERING_LIMITS, ...config.delivering },
    pulling: { ...PULLING_LIMITS, recordsPerType: config.recordsPerType, ranges: config.ranges },
    isStopping: () => isStopping,
  });
  const workers = await createWorkers({
    activityInterceptors: [guard.interceptor],
    queues,
    slots,
    cachedWorkflows,
    connection: temporal.workerConnection,
    namespace: temporal.namespace,
    workflows: findWorkflows(),
    dependencies,
  });
  handleSignals();
  const loops = queues.includes('workflows')
    ? startBackgroundLoops({ config, log, database, temporal, dependencies })
    : undefined;
  const healthLog = logFindings({
    log,
    note: findingsOf('worker', database),
    ask: async () => ({
      ...(await askDatabase(database, HEALTH_WITHIN_MS)),
      ...(await temporal.inspectQueues(HEALTH_WITHIN_MS)),
    }),
  });

  const { namespace, hasSearchAttributes } = temporal;
  log.info({ namespace, hasSearchAttributes, queues }, 'worker running');
  await Promise.all(workers.map((worker) => worker.run())); // the SDK stops them on SIGTERM and SIGINT

  healthLog.stop();
  await Promise.all([loops?.stop(), guard.stop()]);
  health.stop();
  await Promise.all([temporal.close(), egress.close(), database.close()]);
  log.info('worker stopped');
}

function openLog(config: WorkerConfig): Logger {
  const log = createLog({ process: 'worker', level: config.logLevel });
  const smallPool = whyPoolIsSmall(config);
  if (smallPool !== undefined) log.warn(smallPool);
  return log;
}

function openDatabase(config: WorkerConfig, encryption: Encryption, log: Logger): Database {
  followClock(databaseNowMs);
  return new Database({
    url: config.databaseUrl,
    poolSize: config.poolSize,
    statementTimeoutMs: 60_000,
    openErasureKey: (work) => openErasureKey(work, encryption),
    onConnectionLost: (error) => log.warn({ err: error }, 'lost a database connection; opening a new one'),
  });
}

type EgressOptions = Pick<
  DependenciesOptions,
  'createHttpClient' | 'createSocketOpener' | 'mailer' | 'webhookSender' | 'whyUrlIsRefused'
>;

/** Everything that opens connections to third parties, receivers and the mail server. */
function createEgress(config: WorkerConfig, log: Logger): EgressOptions & { close(): Promise<void> } {
  const policy = config.egress;
  const limits = answerLimits(config.answers);
  limitReaders(config.databaseReaders);
  const mailer = config.mail === null ? null : createMailer(config.mail);
  if (mailer === null) log.warn('no e-mail is sent: set SMTP_URL, SMTP_FROM and PUBLIC_URL');
  const webhookSender = createWebhookSender({ policy });
  return {
    createHttpClient: (options) => createHttpClient({ policy, limits, ...options }),
    createSocketOpener: (options) => createSocketOpener({ policy, ...options }),
    whyUrlIsRefused: urlCheck(policy),
    mailer,
    webhookSender,
    async close() {
      mailer?.close();
      await Promise.all([closeConnections(policy), webhookSender.close()]);
    },
  };
}

/** The bundle of the image, or the source. */
function findWorkflows(): CreateWorkersOptions['workflows'] {
  return existsSync(BUNDLE_PATH)
    ? { workflowBundle: { codePath: BUNDLE_PATH } }
    : { workflowsPath: require.resolve('../workflows') };
}

/** The loops beside the Temporal workers. They start and signal workflows, so they run where those do. */
function startBackgroundLoops({
  config,
  log,
  database,
  temporal: { client, outboxClient, hasSearchAttributes, registerSearchAttributes },
  dependencies,
}: {
  config: WorkerConfig;
  log: Logger;
  database: Database;
  temporal: TemporalConnections;
  dependencies: ActivityDependencies;
}): { stop(): Promise<unknown> } {
  const { retention } = config;
  const handleRow = createOutboxHandlers(outboxClient, { hasSearchAttributes, database });
  const onTemporalLost = async (): Promise<void> => {
    await registerSearchAttributes();
    await sweep({ database, handleRow, log, retention, isEverything: true });
  };
  const { mailer } = dependencies;
  const recipients = config.operatorEmails;
  const operatorAlerts =
    mailer === null || recipients.length === 0
      ? []
      : [startOperatorAlerts({ database, log, mailer, recipients })];
  const loops = [
    startScheduleTicker({ database, log, nightly: config.nightlyRuns }),
    startRetirement({ client, database, log }),
    startOutboxDispatcher({ database, databaseUrl: config.databaseUrl, handleRow, log }),
    startSweeper({ database, handleRow, log, retention }),
    startOAuthRefresher(dependencies),
    startAbandonedConsents(dependencies),
    startRecordRecounts({ database, log, onCorrected: countCorrections() }),
    startFairnessCheck({ client, database, log }),
    startRestoreDetector({ client, database, log, onTemporalLost }),
    ...operatorAlerts,
  ];
  return { stop: () => Promise.all(loops.map((loop) => loop.stop())) };
}

function countCorrections(): () => void {
  const counter = Runtime.instance().metricMeter.createCounter(
    'syncline_corrected_record_counts',
    '',
    'Counts of records that differed from the records.',
  );
  counter.add(0); // so that the first correction is an increase
  return () => counter.add(1);
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

const addressOf = ({ host, port }: { host: string; port: number }): string =>
  isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;

const prometheusOf = (address: { host: string; port: number }) => ({
  bindAddress: addressOf(address),
  histogramBucketOverrides: LATENCY_BUCKETS,
});

function installRuntime(config: WorkerConfig, log: Logger): void {
  const levels = { TRACE: 'trace', DEBUG: 'debug', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const;
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      // Some workers have no activities or no workflows: there is one per task queue.
      if (!/^No (activities|workflows) registered/.test(message)) log[levels[level]]({ ...meta }, message);
    }),
    ...(config.metrics === null
      ? {}
      : { telemetryOptions: { metrics: { prometheus: prometheusOf(config.metrics) } } }),
  });
}

main().catch((error: unknown) => {
  const isConfiguration = error instanceof PackagesRefused;
  console.error(isConfiguration ? error.message : error);
  process.exit(isConfiguration ? 2 : 1);
});
