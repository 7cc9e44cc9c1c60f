/**
 * Seeded trials against the ledger. CHAOS_TRIALS is the number of trials of each kind, CHAOS_SEED the first
 * seed; the titles contain the seeds. `CHAOS_SEED=<seed> CHAOS_TRIALS=1 npm run chaos -- -t "<kind>"` repeats
 * a failed trial. The seed fixes the changes and the faults, not how the operating system schedules the
 * processes.
 */
import { startToxiproxy, type Toxiproxy } from '../support/servers/fault-servers';
import { type Product, startProduct } from '../support/environments/product';
import { Random, testSeed } from '../support/random';
import { runTrial } from './trial';
import { kindsOfTrials } from './environments';

const trials = Number(process.env.CHAOS_TRIALS ?? 50);
const firstSeed = Number(process.env.CHAOS_SEED ?? testSeed);
const TRIAL_TIMEOUT_MS = 240_000;
let toxiproxy: Toxiproxy;
let shared: Promise<Product> | undefined;
const kinds = kindsOfTrials(() => (shared ??= startProduct()));

beforeAll(async () => {
  toxiproxy = await startToxiproxy();
}, 60_000);

afterAll(async () => {
  await (await shared?.catch(() => undefined))?.stop();
  await toxiproxy?.stop();
}, 60_000);

describe.each(Object.keys(kinds))('%s', (kind) => {
  const { createEnvironment, atOnce } = kinds[kind] as (typeof kinds)[string];
  const seeds = Array.from({ length: trials }, (_, index) => firstSeed + index);
  const results = new Map<number, Promise<string[]>>();
  let end: Promise<unknown> = Promise.resolve();

  async function trialOf(seed: number): Promise<string[]> {
    const environment = await createEnvironment(new Random(seed), toxiproxy);
    try {
      return await runTrial(environment.parts, `seed ${seed}`);
    } finally {
      await environment.stop();
    }
  }

  /**
   * Some at once, in order: most of a trial is waiting. Its own test awaits each and reports what
   * went wrong.
   */
  beforeAll(() => {
    const queues: Promise<unknown>[] = Array.from({ length: atOnce }, () => Promise.resolve());
    seeds.forEach((seed, index) => {
      const result = (queues[index % atOnce] as Promise<unknown>).then(() => trialOf(seed));
      results.set(seed, result);
      queues[index % atOnce] = result.catch(() => undefined);
    });
    end = Promise.all(queues);
  });

  afterAll(async () => void (await end), TRIAL_TIMEOUT_MS);

  it.each(seeds)(
    'seed %d: nothing acknowledged is lost, nothing is doubled, early, overlapping or out of order',
    async (seed) => {
      expect(await results.get(seed)).toEqual([]);
    },
    TRIAL_TIMEOUT_MS,
  );
});
