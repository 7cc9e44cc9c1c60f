/**
 * Random lives of a tenant on the time-skipping server: see properties/trial.ts for what happens and what
 * must hold.
 *
 * PROPERTY_RUNS=200 runs more of them, PROPERTY_SEED=123 repeats one.
 * A failure prints its seed and each step.
 */
import { PushEnvironment } from '../../support/environments/push-environment';
import { testSeed } from '../../support/random';
import { repetitions } from '../../support/tier';
import { Trial } from './properties/trial';

const { PROPERTY_RUNS, PROPERTY_SEED } = process.env;
const RUNS = PROPERTY_SEED === undefined ? Number(PROPERTY_RUNS ?? repetitions({ quick: 3, full: 15 })) : 1;
const firstSeed = Number(PROPERTY_SEED ?? testSeed);
const seeds = Array.from({ length: RUNS }, (_, run) => firstSeed + run);

let environment: PushEnvironment;
beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());

describe('whatever happens, in whatever order', () => {
  it(
    'no change is lost, pushed early, pushed twice at once or pushed after a discard, and Synced means synced',
    async () => {
      console.info(`Property trials: seeds ${seeds[0]} to ${seeds.at(-1)}`);
      const failures: string[] = [];
      for (const seed of seeds) {
        environment.resetLedger();
        await Trial.run(environment, seed).catch((error: Error) => failures.push(error.message));
      }
      expect(failures.join('\n\n')).toBe('');
    },
    60_000 + RUNS * 30_000,
  );
});
