/** Where trials happen, and which faults belong to each kind of them. */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrateToLatest } from '../../db/migrate';
import { type PostgresServer, startPostgres } from '../../dev/start/postgres';
import { startTemporalServer, type TemporalServer } from '../../dev/start/temporal';
import type { FaultyLink, Toxiproxy } from '../support/servers/fault-servers';
import { freePort } from '../support/servers/free-port';
import { type Misbehaviour, startLedgerServer } from '../support/servers/ledger-server';
import { type Product, startProduct, throughPort } from '../support/environments/product';
import { temporaryFolder } from '../support/servers/shared-servers';
import { until } from '../support/until';
import type { Random } from '../support/random';
import type { TrialOptions } from './trial';

interface Environment {
  parts: TrialOptions;
  stop(): Promise<void>;
}

type CreateEnvironment = (random: Random, toxiproxy: Toxiproxy) => Promise<Environment>;

/** Stops everything in the order given, whatever of it fails. */
const stopAll = async (...stops: (() => Promise<unknown>)[]): Promise<void> => {
  for (const stop of stops) await stop().catch(() => undefined);
};

/** Our own processes are killed with -9, alone or together, and started again. */
const processesDie: CreateEnvironment = async (random) => {
  const ledger = await startLedgerServer();
  const product = await startProduct();
  ledger.decide = () => (random.chance(0.2) ? { kind: 'slow', ms: random.between(20, 400) } : undefined); // so that kills fall into calls
  const revive = async (): Promise<void> => {
    await Promise.all([
      product.isApiRunning() ? undefined : product.startApi(),
      product.isWorkerRunning() ? undefined : product.startWorker(),
    ]);
  };
  return {
    parts: {
      random,
      ledger,
      ledgerUrl: ledger.url,
      tenant: await product.givenTenant(),
      faults: random.between(1, 2),
      async fault() {
        const victims = random.pick([['worker'], ['worker'], ['api'], ['api', 'worker']]);
        if (victims.includes('api')) await product.killApi();
        if (victims.includes('worker')) await product.killWorker();
        await sleep(random.between(0, 500));
        await revive();
      },
      async heal() {
        ledger.reset();
        await revive();
      },
    },
    stop: () => stopAll(product.stop, ledger.stop),
  };
};

/** PostgreSQL and Temporal are restarted, killed, cut off, and hang. */
const serversDie: CreateEnvironment = async (random, toxiproxy) => {
  const [ledger, postgres, temporal] = await Promise.all([
    startLedgerServer(),
    createPostgres(),
    createTemporal(),
  ]);
  const databaseLink = await toxiproxy.linkTo(postgres.port);
  const temporalLink = await toxiproxy.linkTo(temporal.port);
  const faultyUrl = throughPort(postgres.url(), databaseLink.port);
  const product = await startProduct({
    databaseUrl: postgres.url(),
    apiDatabaseUrl: faultyUrl,
    workerDatabaseUrl: faultyUrl,
    temporalAddress: `127.0.0.1:${temporalLink.port}`,
    namespace: 'default',
  });
  const withToxic = async (
    link: FaultyLink,
    type: string,
    attributes: Record<string, number>,
  ): Promise<void> => {
    await link.addToxic(type, attributes);
    await sleep(random.between(300, 2_000));
    await link.heal();
  };
  const faults: (() => Promise<void>)[] = [
    () => postgres.restart('stop'),
    () => postgres.restart('kill'),
    () => withToxic(databaseLink, 'timeout', { timeout: 0 }),
    () => withToxic(databaseLink, 'reset_peer', { timeout: 0 }),
    () => withToxic(databaseLink, 'latency', { latency: 150, jitter: 100 }),
    () => temporal.restart(),
    () => withToxic(temporalLink, 'timeout', { timeout: 0 }),
    () => withToxic(temporalLink, 'latency', { latency: 1_000 }),
  ];
  return {
    parts: {
      random,
      ledger,
      ledgerUrl: ledger.url,
      tenant: await product.givenTenant(),
      faults: random.between(1, 3),
      fault: () => random.pick(faults)(),
      async heal() {
        await Promise.all([databaseLink.heal(), temporalLink.heal()]);
        if (!product.isApiRunning() || !product.isWorkerRunning())
          throw new Error('A process of the product has ended by itself.');
      },
    },
    stop: () => stopAll(product.stop, ledger.stop, postgres.stop, temporal.stop),
  };
};

async function createPostgres() {
  const folder = temporaryFolder('postgres');
  fs.chmodSync(folder, 0o711);
  const [port, password] = [await freePort(), randomBytes(12).toString('hex')];
  const options = {
    dataFolder: path.join(folder, 'data'),
    logFile: path.join(folder, 'log'),
    port,
    password,
  };
  const start = (): Promise<PostgresServer> =>
    startPostgres({
      ...options,
      isThrowaway: true,
      settings: { synchronous_commit: 'on', max_connections: '60' },
    });
  let server = await start();
  await migrateToLatest(server.url);
  return {
    port,
    url: () => server.url,
    async restart(how: 'stop' | 'kill') {
      if (how === 'stop') await server.stop();
      else server.process.kill();
      await server.process.ended;
      // After a kill its orphaned backends hold the memory for a moment.
      await until('PostgreSQL runs again', async () => {
        server = await start();
        return true;
      });
    },
    stop: () => server.stop(),
  };
}

async function createTemporal() {
  const [folder, port] = [temporaryFolder('temporal'), await freePort()];
  const start = (): Promise<TemporalServer> =>
    startTemporalServer({
      logFile: path.join(folder, 'log'),
      databaseFile: path.join(folder, 'temporal.db'),
      port,
    });
  let server = await start();
  return {
    port,
    async restart() {
      server.process.kill();
      await server.process.ended;
      server = await start();
    },
    stop: () => server.stop(),
  };
}

/**
 * The third party is slow, resets, loses answers, asks to wait and fails. The trials share one product, which
 * no fault harms.
 */
const thirdPartyInTrouble =
  (product: () => Promise<Product>): CreateEnvironment =>
  async (random, toxiproxy) => {
    const ledger = await startLedgerServer();
    const link = await toxiproxy.linkTo(ledger.port);
    ledger.decide = (call) => (call.kind === 'check' || random.chance(0.6) ? undefined : misbehave(random));
    const toxics: [string, Record<string, number>][] = [
      ['latency', { latency: 300, jitter: 200 }],
      ['limit_data', { bytes: 0 }],
      ['limit_data', { bytes: 500 }],
      ['reset_peer', { timeout: 50 }],
      ['timeout', { timeout: 400 }],
    ];
    return {
      parts: {
        random,
        ledger,
        ledgerUrl: `http://127.0.0.1:${link.port}`,
        tenant: await (await product()).givenTenant(),
        faults: random.between(1, 3),
        async fault() {
          await link.addToxic(...random.pick(toxics));
          await sleep(random.between(200, 1_200));
          await link.heal();
        },
        async heal() {
          ledger.reset();
          await link.heal();
        },
      },
      stop: ledger.stop,
    };
  };

function misbehave(random: Random): Misbehaviour {
  return random.pick<Misbehaviour>([
    { kind: 'lose_answer' },
    { kind: 'lose_answer' },
    { kind: 'reset' },
    { kind: 'slow', ms: random.between(10, 1_200) },
    { kind: 'status', status: 503 },
    { kind: 'status', status: 500 },
    { kind: 'status', status: 429, headers: { 'retry-after': '1' } },
    { kind: 'status', status: 503, headers: { 'retry-after': '2' } },
  ]);
}

export function kindsOfTrials(
  sharedProduct: () => Promise<Product>,
): Record<string, { createEnvironment: CreateEnvironment; atOnce: number }> {
  return {
    'api and worker are killed': { createEnvironment: processesDie, atOnce: 3 },
    'PostgreSQL and Temporal fail': { createEnvironment: serversDie, atOnce: 3 },
    'the third party is in trouble': { createEnvironment: thirdPartyInTrouble(sharedProduct), atOnce: 5 },
  };
}
