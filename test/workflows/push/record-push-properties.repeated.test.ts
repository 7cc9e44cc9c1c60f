/**
 * Random lives of a tenant on the time-skipping server: see properties/trial.ts for what happens and what
 * must hold. A failure prints its seed and each step.
 */
import { PushEnvironment } from '../../support/environments/push-environment';
import { failuresOfTrials, trialsTimeoutMs } from '../../support/property-trials';
import { Trial } from './properties/trial';

let environment: PushEnvironment;
beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());

describe('whatever happens, in whatever order', () => {
  it(
    'no change is lost, pushed early, pushed twice at once or pushed after a discard, and Synced means synced',
    async () => {
      const failures = await failuresOfTrials('Property trials', (seed) => {
        environment.resetLedger();
        return Trial.run(environment, seed);
      });

      expect(failures).toBe('');
    },
    trialsTimeoutMs,
  );
});
