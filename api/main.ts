/**
 * Starts the API: reads the environment, checks that secrets can be decrypted, listens, and shuts down
 * without losing requests.
 */
import type { Server } from 'node:http';
import path from 'node:path';
import closeWithGrace from 'close-with-grace';
import type { Express } from 'express';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { Logger } from 'pino';
import { type ApiConfig, ConfigError, loadApiConfig } from '../runtime/config';
import { connectors } from '../connectors';
import { loadConnectorPackages, PackagesRefused } from '../connectors/packages/load';
import { Database } from '../db/database';
import { askDatabase } from '../db/platform/database-health';
import { findingsOf } from '../db/notifications/operator-findings';
import { countRefusedMessages } from '../db/platform/outbox';
import { countParkedWork } from '../db/platform/running-work';
import { countStoppedRollouts } from '../db/third-parties/stopped-rollouts';
import { oldestOutboxAgeSeconds, readTopicFigures } from '../db/platform/outbox-overview';
import { createEncryption } from '../db/platform/encryption';
import { openErasureKey } from '../db/platform/erasure-key';
import { parseEncryptionKeys, EncryptionError } from '../db/platform/encryption-keys';
import { urlCheck } from '../egress/egress-policy';
import { createApp } from './app';
import { canSignIn } from './auth/console-sessions';
import { logFindings } from '../runtime/health-log';
import { createLog } from '../runtime/log';
import { exitOnSignalsDuringStart } from '../runtime/start-signals';
import { watchEventLoop } from '../runtime/event-loop';
import { RECONNECTION } from '../runtime/temporal-reconnection';
import { startWatchdog } from '../runtime/watchdog';
import { createMetrics, type Metrics } from './http/metrics';
import { createTemporalClient } from './temporal-client';
import { createReadiness } from './http/readiness';
import { createPromiseFigures } from './http/promise-metrics';
import { createApiServer, createMetricsServer, drain } from './http/server';
import { readShippedDefinitions, storeShippedDefinitions } from './third-parties/shipped-definitions';
import { createStreamHub } from './stream/stream-hub';

const STATEMENT_TIMEOUT_MS = 4_000;
const ANSWER_WITHIN_MS = 4_500;
const EXIT_WITHIN_MS = 29_000;

async function main(): Promise<void> {
  const config = loadApiConfig(process.env);
  const log = createLog({ process: 'api', level: config.logLevel });
  startWatchdog({ process: 'api', limitSeconds: config.watchdogSeconds });
  const handleSignals = exitOnSignalsDuringStart('api', log);
  await loadConnectorPackages(config.connectorPackages, connectors, { log });
  const encryption = createEncryption({ keys: parseEncryptionKeys(config.encryptionKeys) });
  const database = new Database({
    url: config.databaseUrl,
    poolSize: config.poolSize,
    statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    openErasureKey: (work) => openErasureKey(work, encryption),
    onConnectionLost: (err) => log.warn({ err }, 'a PostgreSQL connection was lost and will be replaced'),
  });
  await encryption.verify(database);
  await addShippedDefinitions(database, log);

  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const connection = { ...connectionOptions, channelArgs: RECONNECTION };
  const temporal = createTemporalClient({ connection, namespace });
  const stream = createStreamHub({ database, databaseUrl: config.databaseUrl, log });
  const readiness = createReadiness({
    database,
    eventLoop: watchEventLoop(),
    temporal: (withinMs) => temporal.inspect(withinMs),
  });
  const healthLog = startHealthLog(database, log);
  const metrics = createDatabaseMetrics(database, () => stream.openStreams());
  const settings = {
    ...config,
    workflowsUrl: workflowsUrlOf(config, namespace),
    answerWithinMs: ANSWER_WITHIN_MS,
    consoleFolder: consoleFolder(),
  };
  const app = createApp({
    database,
    encryption,
    temporal,
    connectors,
    whyUrlIsRefused: urlCheck(config.egress),
    config: settings,
    stream,
    readiness,
    metrics,
    log,
  });

  const server = startServer(app, config, log);
  const metricsServer = startMetricsServer(config, metrics, log);
  handleSignals();
  // Also called for an unhandled rejection: log it, finish running requests, and let the supervisor start a
  // new process.
  closeWithGrace({ delay: EXIT_WITHIN_MS, logger: false }, async ({ err, signal }) => {
    if (err !== undefined) log.fatal({ err }, 'unhandled error; api draining');
    else log.info({ signal }, 'api draining');
    healthLog.stop();
    await drain({ server, readiness, stream, pauseMs: config.drainPauseMs });
    metricsServer?.closeAllConnections();
    metricsServer?.close();
    await Promise.all([temporal.close(), database.close()]);
    log.info('api stopped');
  });
}

const startHealthLog = (database: Database, log: Logger) =>
  logFindings({
    ask: () => askDatabase(database, ANSWER_WITHIN_MS),
    note: findingsOf('api', database),
    log,
  });

function createDatabaseMetrics(database: Database, openStreams: () => number): Metrics {
  return createMetrics({
    outboxAgeSeconds: () => database.withDispatcher(oldestOutboxAgeSeconds),
    outboxRefusals: () => database.withDispatcher((work) => countRefusedMessages(work)),
    outboxTopics: () => database.withDispatcher(readTopicFigures),
    parkedWork: () => database.withDispatcher(countParkedWork),
    stoppedRollouts: () => database.withPlatform(countStoppedRollouts),
    openStreams,
    promise: createPromiseFigures(database),
  });
}

function startServer(app: Express, config: ApiConfig, log: Logger): Server {
  const server = createApiServer(app, { publicUrl: config.publicUrl });
  server.listen(config.port, config.host, () => log.info({ url: config.publicUrl }, 'api listening'));
  warnOfPlainHttp(config, log);
  return server.on('error', (err) => {
    log.fatal({ err }, `api cannot listen on ${config.host}:${config.port}`);
    process.exit(1);
  });
}

function startMetricsServer({ metrics: address }: ApiConfig, metrics: Metrics, log: Logger) {
  if (address === null) return undefined;
  const server = createMetricsServer(metrics);
  server.listen(address);
  return server.on('error', (err) => {
    log.fatal({ err }, `api cannot serve metrics on ${address.host}:${address.port}`);
    process.exit(1);
  });
}

function warnOfPlainHttp(config: ApiConfig, log: Logger): void {
  if (!canSignIn(config))
    log.warn(
      { url: config.publicUrl },
      'PUBLIC_URL is http: browsers drop the session cookie, so sign-in to the console is impossible. ' +
        'Put a TLS proxy in front of the api and set PUBLIC_URL to its https address',
    );
}

/**
 * `npm run build` puts the console beside this file's compiled form; when run from the sources, it is in
 * dist/.
 */
function consoleFolder(): string {
  const root = path.dirname(__dirname);
  return path.basename(root) === 'dist' ? path.join(root, 'console') : path.join(root, 'dist', 'console');
}

async function addShippedDefinitions(database: Database, log: Logger): Promise<void> {
  const documents = await readShippedDefinitions(definitionsFolder());
  const added = await storeShippedDefinitions(database, documents, connectors);
  if (added.length > 0) log.info({ added }, 'third-party definitions were added');
}

/** The definitions that come with Syncline are beside the sources, also of the compiled form. */
function definitionsFolder(): string {
  const root = path.dirname(__dirname);
  return path.join(path.basename(root) === 'dist' ? path.dirname(root) : root, 'third-parties');
}

function workflowsUrlOf({ temporalUiUrl }: ApiConfig, namespace: string): string | null {
  if (temporalUiUrl === null) return null;
  return `${temporalUiUrl}/namespaces/${encodeURIComponent(namespace)}/workflows`;
}

main().catch((error: unknown) => {
  // Configuration errors are for operators, so they are printed without a stack trace.
  const isConfiguration = error instanceof ConfigError || error instanceof PackagesRefused;
  console.error(isConfiguration || error instanceof EncryptionError ? error.message : error);
  process.exit(isConfiguration ? 2 : 1);
});
