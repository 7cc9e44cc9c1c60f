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
import { kindsOfTrials } from './environments';
import { CHAOS_MS, Trial } from './trial';

const trials = Number(process.env.CHAOS_TRIALS ?? 50);
const batchSize = Number(process.env.CHAOS_BATCH ?? 25);
const firstSeed = Number(process.env.CHAOS_SEED ?? testSeed);
/** A smaller batch may not come to everything of its kind. */
const PROVES_FROM = 10;
const BATCH_TIMEOUT_MS = 600_000;
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

describe.each(Object.entries(kindsOfTrials))('%s', (kind, createEnvironment) => {
  async function run(batch: (typeof batches)[number]): Promise<string[]> {
    const random = new Random(batch.first);
    const environment = await createEnvironment(random, toxiproxy);
    try {
      const begun: Trial[] = [];
      for (const seed of batch.seeds) begun.push(await Trial.begin(environment, seed));
      let isWritten = false;
      const written = Promise.all(begun.map((trial) => trial.write())).finally(() => (isWritten = true));
      written.catch(() => undefined); // awaited after the faults
      do {
        await sleep(random.between(200, CHAOS_MS / environment.faults));
        await environment.fault();
      } while (!isWritten);
      await written;
      await environment.heal();
      await Promise.all(begun.map((trial) => trial.writeOnce()));
      const violations = (await Promise.all(begun.map((trial) => trial.judge()))).flat();
      const acknowledged = begun.reduce((sum, trial) => sum + trial.acknowledged, 0);
      console.info(
        `chaos: ${kind}, seeds ${batch.first} to ${batch.last}, ${acknowledged} changes acknowledged, ` +
          `${environment.ledger.calls.length} calls, ${violations.length} violations`,
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
