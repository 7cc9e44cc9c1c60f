/**
 * Random lives of a dataset on the time-skipping server: see properties/trial.ts for what happens and what
 * must hold. A failure prints its seed and each step.
 */
import { PushEnvironment } from '../../support/environments/push-environment';
import { failuresOfTrials, trialsTimeoutMs } from '../../support/property-trials';
import { PullTrial } from './properties/trial';

let environment: PushEnvironment;
beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());

describe('rules 31, 32 and 35: whatever happens at the source and on the way', () => {
  it(
    'a full pass makes the copy equal to the source, its counts add up, and the difference is 0',
    async () => {
      const failures = await failuresOfTrials('Pull trials', (seed) => PullTrial.run(environment, seed));

      expect(failures).toBe('');
    },
    trialsTimeoutMs,
  );
});
