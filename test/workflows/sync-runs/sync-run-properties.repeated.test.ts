/**
 * Random lives of a dataset on the time-skipping server: see properties/trial.ts for what happens and what
 * must hold.
 *
 * PROPERTY_RUNS=200 runs more of them, PROPERTY_SEED=123 repeats one.
 * A failure prints its seed and each step.
 */
import { PushEnvironment } from '../../support/environments/push-environment';
import { testSeed } from '../../support/random';
import { repetitions } from '../../support/tier';
import { PullTrial } from './properties/trial';

const { PROPERTY_RUNS, PROPERTY_SEED } = process.env;
const RUNS = PROPERTY_SEED === undefined ? Number(PROPERTY_RUNS ?? repetitions({ quick: 3, full: 15 })) : 1;
const firstSeed = Number(PROPERTY_SEED ?? testSeed);
const seeds = Array.from({ length: RUNS }, (_, run) => firstSeed + run);

let environment: PushEnvironment;
beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());

describe('rules 31, 32 and 35: whatever happens at the source and on the way', () => {
  it(
    'a full pass makes the copy equal to the source, its counts add up, and the difference is 0',
    async () => {
      console.info(`Pull trials: seeds ${seeds[0]} to ${seeds.at(-1)}`);
      const failures: string[] = [];
      for (const seed of seeds)
        await PullTrial.run(environment, seed).catch((error: Error) => failures.push(error.message));
      expect(failures.join('\n\n')).toBe('');
    },
    60_000 + RUNS * 30_000,
  );
});
