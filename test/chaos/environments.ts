/** Where batches of trials happen, and which faults belong to each kind of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type MainProcess, startMain } from '../support/environments/main-process';
import type { FaultyLink, Toxiproxy } from '../support/servers/fault-servers';
import { type Misbehaviour, startLedgerServer } from '../support/servers/ledger-server';
import {
  type Product,
  type ProductOptions,
  startProduct,
  throughPort,
} from '../support/environments/product';
import type { Random } from '../support/random';
import { startFormerWorker } from './former-release';
import { thisRelease } from './this-release';
import { createPostgres, createTemporal } from './own-servers';
import type { Place } from './trial';
import { readPushHistories } from './push-histories';

export interface Environment extends Place {
  /** While the writers of a trial that is alone write. */
  faults: number;
  /** Begins and ends one fault. */
  fault(): Promise<void>;
  /** Everything runs and answers again. */
  heal(): Promise<void>;
  /** What a batch has to have exercised, and has not; empty = nothing. */
  unexercised(): Promise<string[]>;
  stop(): Promise<void>;
}

type CreateEnvironment = (random: Random, toxiproxy: Toxiproxy) => Promise<Environment>;

/** Stops everything in the order given, whatever of it fails. */
const stopAll = async (...stops: (() => Promise<unknown>)[]): Promise<void> => {
  for (const stop of stops) await stop().catch(() => undefined);
};

/** Few due records are worth several executions of a push queue. */
async function startSpreading(options: ProductOptions = {}): Promise<Product> {
  const { programs, env } = await thisRelease();
  return startProduct({ ...options, programs, env: { ...env, PUSH_BATCHES: '1' } });
}

/** A further worker of this version. */
async function startWorker({ workerEnv }: Product): Promise<MainProcess> {
  const { programs } = await thisRelease();
  const worker = await startMain('worker', workerEnv, [programs.worker]);
  await worker.untilLogged('worker running');
  return worker;
}

async function hasSpread({ namespace, workerEnv }: Product): Promise<string[]> {
  const { isSpread } = await readPushHistories(workerEnv['TEMPORAL_ADDRESS'] as string, namespace);
  return isSpread ? [] : ['no push queue was spread over several executions'];
}

/** Processes of Syncline are killed with -9, alone or together, and started again. */
const processesDie: CreateEnvironment = async (random) => {
  const [ledger, product] = await Promise.all([startLedgerServer(), startSpreading()]);
  let further = await startWorker(product);
  ledger.decide = () => (random.chance(0.3) ? { kind: 'slow', ms: random.between(50, 1_000) } : undefined); // so that kills fall into calls
  const revive = async (): Promise<void> => {
    await Promise.all([
      product.isApiRunning() ? undefined : product.startApi(),
      product.isWorkerRunning() ? undefined : product.startWorker(),
      further.isRunning() ? undefined : startWorker(product).then((worker) => (further = worker)),
    ]);
  };
  return {
    ledger,
    ledgerUrl: ledger.url,
    givenTenant: product.givenTenant,
    faults: random.between(1, 2),
    async fault() {
      const victims = random.pick([
        ['worker'],
        ['further'],
        ['worker', 'further'],
        ['api'],
        ['api', 'worker'],
      ]);
      if (victims.includes('api')) await product.killApi();
      if (victims.includes('worker')) await product.killWorker();
      if (victims.includes('further')) await killed(further);
      await sleep(random.between(0, 500));
      await revive();
    },
    async heal() {
      ledger.reset();
      await revive();
    },
    unexercised: () => hasSpread(product),
    stop: () => stopAll(() => further.stop(), product.stop, ledger.stop),
  };
};

async function killed(process: MainProcess): Promise<void> {
  process.kill();
  await process.ended;
}

/** A rolling update, and its way back: workers of the former release and of this one come and go. */
const versionsMix: CreateEnvironment = async (random) => {
  const [ledger, product] = await Promise.all([startLedgerServer(), startSpreading()]);
  let former = await startFormerWorker(product.workerEnv);
  const pids = { current: [product.workerPid()], former: [former.pid] };
  ledger.decide = () => (random.chance(0.3) ? { kind: 'slow', ms: random.between(50, 1_000) } : undefined);
  async function revive(): Promise<void> {
    if (!product.isWorkerRunning()) {
      await product.startWorker();
      pids.current.push(product.workerPid());
    }
    if (!former.isRunning()) {
      former = await startFormerWorker(product.workerEnv);
      pids.former.push(former.pid);
    }
  }
  const ends = [
    () => product.stopWorker(),
    () => product.killWorker(),
    () => former.stop(30_000),
    () => killed(former),
  ];
  return {
    ledger,
    ledgerUrl: ledger.url,
    givenTenant: product.givenTenant,
    faults: random.between(1, 2),
    async fault() {
      await random.pick(ends)();
      await sleep(random.between(0, 1_500));
      await revive();
    },
    async heal() {
      ledger.reset();
      await revive();
    },
    async unexercised() {
      const { pids: seen } = await readPushHistories(
        product.workerEnv['TEMPORAL_ADDRESS'] as string,
        product.namespace,
      );
      return Object.entries(pids).flatMap(([version, of]) =>
        of.some((pid) => seen.has(pid)) ? [] : [`no worker of the ${version} release has pushed`],
      );
    },
    stop: () => stopAll(() => former.stop(), product.stop, ledger.stop),
  };
};

/** PostgreSQL and Temporal are restarted, killed, cut off, and hang. */
const serversDie: CreateEnvironment = async (random, toxiproxy) => {
  const [ledger, postgres, temporal] = await Promise.all([
    startLedgerServer(),
    createPostgres(),
    createTemporal(),
  ]);
  ledger.decide = () => (random.chance(0.3) ? { kind: 'slow', ms: random.between(50, 1_000) } : undefined);
  const databaseLink = await toxiproxy.linkTo(postgres.port);
  const temporalLink = await toxiproxy.linkTo(temporal.port);
  const faultyUrl = throughPort(postgres.url(), databaseLink.port);
  const product = await startSpreading({
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
    ledger,
    ledgerUrl: ledger.url,
    givenTenant: product.givenTenant,
    faults: random.between(1, 3),
    fault: () => random.pick(faults)(),
    async heal() {
      ledger.reset();
      await Promise.all([databaseLink.heal(), temporalLink.heal()]);
      if (!product.isApiRunning() || !product.isWorkerRunning())
        throw new Error('A process of the product has ended by itself.');
    },
    unexercised: () => hasSpread(product),
    stop: () => stopAll(product.stop, ledger.stop, postgres.stop, temporal.stop),
  };
};

/** The third party is slow, resets, loses answers, asks to wait and fails. */
const thirdPartyInTrouble: CreateEnvironment = async (random, toxiproxy) => {
  const [ledger, product] = await Promise.all([startLedgerServer(), startSpreading()]);
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
    ledger,
    ledgerUrl: `http://127.0.0.1:${link.port}`,
    givenTenant: product.givenTenant,
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
    unexercised: async () => [],
    stop: () => stopAll(product.stop, ledger.stop),
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

export const kindsOfTrials: Record<string, CreateEnvironment> = {
  'api and workers are killed': processesDie,
  'workers of two versions work side by side': versionsMix,
  'PostgreSQL and Temporal fail': serversDie,
  'the third party is in trouble': thirdPartyInTrouble,
};
