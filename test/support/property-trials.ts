/** Random trials, one per seed. PROPERTY_RUNS=200 runs more of them, PROPERTY_SEED=123 repeats one. */
import { testSeed } from './random';
import { repetitions } from './tier';

const { PROPERTY_RUNS, PROPERTY_SEED } = process.env;
const runs = PROPERTY_SEED === undefined ? Number(PROPERTY_RUNS ?? repetitions({ quick: 3, full: 15 })) : 1;
const firstSeed = Number(PROPERTY_SEED ?? testSeed);

export const trialsTimeoutMs = 60_000 + runs * 30_000;

/** Runs a trial for each seed. @returns the messages of the failures; empty if all trials passed. */
export async function failuresOfTrials(title: string, trial: (seed: number) => Promise<void>) {
  console.info(`${title}: seeds ${firstSeed} to ${firstSeed + runs - 1}`);
  const failures: string[] = [];
  for (let seed = firstSeed; seed < firstSeed + runs; seed += 1)
    await trial(seed).catch((error: Error) => failures.push(error.message));
  return failures.join('\n\n');
}
