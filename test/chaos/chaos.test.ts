/**
 * Seeded trials against the ledger, in batches that share a product and its faults. CHAOS_TRIALS is the
 * number of trials of each kind, CHAOS_BATCH the size of a batch, CHAOS_SEED the first seed; the titles
 * contain the seeds. This repeats a failed batch:
 * `CHAOS_SEED=<first seed> CHAOS_TRIALS=<its size> npm run chaos -- -t "<kind>"`.
 * The seeds fix the changes and the faults, not how the operating system schedules the processes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startToxiproxy, type Toxiproxy } from '../support/servers/fault-servers';
import { Random, testSeed } from '../support/random';
import { type Environment, kindsOfTrials } from './environments';
import { CHAOS_MS, type Place, Trial } from './trial';

const trials = Number(process.env.CHAOS_TRIALS ?? 50);
const batchSize = Number(process.env.CHAOS_BATCH ?? 25);
const firstSeed = Number(process.env.CHAOS_SEED ?? testSeed);
/** A smaller batch may not come to everything of its kind. */
const PROVES_FROM = 10;
/** A busy machine settles slowly, but it goes on. */
const SETTLED_WITHIN_MS = 300_000 + batchSize * 4_000;
const BATCH_TIMEOUT_MS = 2 * SETTLED_WITHIN_MS;
const BEGIN_AT_ONCE = 8;
let toxiproxy: Toxiproxy;

beforeAll(async () => {
  toxiproxy = await startToxiproxy();
}, 60_000);

afterAll(async () => toxiproxy?.stop(), 60_000);

const seeds = Array.from({ length: trials }, (_, index) => firstSeed + index);
const batches = Array.from({ length: Math.ceil(trials / batchSize) }, (_, index) => {
  const ofBatch = seeds.slice(index * batchSize, (index + 1) * batchSize);
  return { seeds: ofBatch, first: ofBatch[0] as number, last: ofBatch.at(-1) as number };
});

const seconds = (ms: number): number => Math.round(ms / 1_000);

async function beginAll(place: Place, of: readonly number[]): Promise<Trial[]> {
  const [left, begun] = [[...of], [] as Trial[]];
  const beginSome = async (): Promise<void> => {
    for (let seed = left.shift(); seed !== undefined; seed = left.shift())
      begun.push(await Trial.begin(place, seed));
  };
  await Promise.all(Array.from({ length: BEGIN_AT_ONCE }, beginSome));
  return begun;
}

/** Each fault is followed by as long without one, or a busy machine would do nothing but start processes. */
async function writeDuringFaults(environment: Environment, random: Random, begun: Trial[]): Promise<void> {
  let [isWritten, faultMs] = [false, 0];
  const written = Promise.all(begun.map((trial) => trial.write())).finally(() => (isWritten = true));
  written.catch(() => undefined); // awaited after the faults
  do {
    await sleep(Math.max(random.between(200, CHAOS_MS / environment.faults), faultMs));
    const beganAt = Date.now();
    await environment.fault();
    faultMs = Date.now() - beganAt;
  } while (!isWritten);
  await written;
}

describe.each(Object.entries(kindsOfTrials))('%s', (kind, createEnvironment) => {
  async function run(batch: (typeof batches)[number]): Promise<string[]> {
    const random = new Random(batch.first);
    const environment = await createEnvironment(random, toxiproxy);
    try {
      const begun = await beginAll(environment, batch.seeds);
      const begunAt = Date.now();
      await writeDuringFaults(environment, random, begun);
      await environment.heal();
      await Promise.all(begun.map((trial) => trial.writeOnce()));
      const healedAt = Date.now();
      const violations: string[] = [];
      for (const trial of begun) violations.push(...(await trial.judge(healedAt + SETTLED_WITHIN_MS)));
      const acknowledged = begun.reduce((sum, trial) => sum + trial.acknowledged, 0);
      console.info(
        `chaos: ${kind}, seeds ${batch.first} to ${batch.last}, ${acknowledged} changes acknowledged, ` +
          `${environment.ledger.calls.length} calls, ${violations.length} violations; ` +
          `${seconds(healedAt - begunAt)} s of faults, settled in ${seconds(Date.now() - healedAt)} s`,
      );
      return begun.length < PROVES_FROM ? violations : [...violations, ...(await environment.unexercised())];
    } finally {
      await environment.stop();
    }
  }

  it.each(batches)(
    'seeds $first to $last: nothing acknowledged is lost, doubled, early, overlapping or out of order',
    async (batch) => {
      expect(await run(batch)).toEqual([]);
    },
    BATCH_TIMEOUT_MS,
  );
});
