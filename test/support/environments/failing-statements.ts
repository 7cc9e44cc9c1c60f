/**
 * Repeats a scenario with a failure at each of its statements, one at a time, and compares what it comes to
 * with an undisturbed repetition: nothing is lost or done twice, and nothing is left under way.
 */
import { isDeepStrictEqual } from 'node:util';
import { Random, testSeed } from '../random';
import { type Fault, FAULTS } from '../statement-faults';
import { repetitions } from '../tier';
import type { DirectWorkers } from './direct-workers';

export interface Scenario<World> {
  /** Used for a few repetitions. */
  world(): Promise<World>;
  /** What there is to do in each repetition, undisturbed. */
  prepare(world: World): Promise<void>;
  /** `workers.work()` if absent. */
  run?(world: World): Promise<unknown>;
  /** What people and third parties see afterwards, without what differs between repetitions. */
  outcome(world: World): Promise<object>;
}

const REPETITIONS_PER_WORLD = 8;
/** The others are not shown. */
const FAILURES_MAX = 5;

/** @returns the failures; empty if the scenario withstands all faults */
export async function failuresOf<World>(
  workers: DirectWorkers,
  scenario: Scenario<World>,
  { atMost }: { atMost: number },
): Promise<string> {
  const { faults } = workers;
  const random = new Random();
  let world: World | undefined;
  let used = 0;

  async function repeat(fault?: Fault): Promise<{ events: number; outcome: object }> {
    if (world === undefined || used >= REPETITIONS_PER_WORLD) {
      world = await scenario.world();
      used = 0;
      await scenario.prepare(world);
      await workers.work();
    }
    used += 1;
    const of = world;
    await scenario.prepare(of);
    const before = await leftOf(workers);
    const events = await faults.during(() => scenario.run?.(of) ?? workers.work(), fault);
    await workers.findStalled();
    await workers.work();
    const left = await leftOf(workers);
    const more = Object.keys(left).filter((name) => (left[name] ?? 0) > (before[name] ?? 0));
    return { events, outcome: { ...(await scenario.outcome(of)), left: more } };
  }

  const expected = await repeat();
  const failures: string[] = [];
  let strikes = 0;
  for (const fault of faultsFor(expected.events, random, atMost)) {
    workers.thrown.length = 0;
    const problem = await repeat(fault)
      .then(({ outcome }) => differenceOf(outcome, expected.outcome))
      .catch((error: Error) => error.stack);
    if (problem !== undefined) world = undefined;
    if (faults.struck !== undefined) strikes += 1;
    const unclear = workers.thrown.filter((error) => !saysWhatHappened(error)).map(String);
    if (problem === undefined && unclear.length === 0) continue;
    failures.push([faults.struck ?? 'no fault', problem, ...unclear].filter(Boolean).join('\n'));
    if (failures.length === FAILURES_MAX) break;
  }
  console.info(`${expected.events} connects and statements, seed ${testSeed}`);
  // Otherwise a test whose statements are not seen any more would pass.
  if (strikes === 0) failures.push('No fault has struck.');
  return failures.join('\n\n');
}

/** Each event with one fault of each sort, or as many as there is time for. */
function faultsFor(events: number, random: Random, atMost: number): Fault[] {
  const all = Array.from({ length: events }, (_, index): Fault[] => {
    const fault = (lasts: boolean, kinds: readonly string[] | undefined): Fault => {
      const seed = random.next();
      return {
        at: index + 1,
        lasts,
        kind: (event) => {
          const possible = kinds?.filter((one) => FAULTS[event].includes(one)) ?? [];
          const among = possible.length > 0 ? possible : FAULTS[event];
          return among[Math.floor(seed * among.length)] as string;
        },
      };
    };
    return [
      fault(false, ['57014', '55P03', '40001', '40P01', 'no free connection']),
      fault(false, ['53100', '25006', '57P01', 'idle timeout', '53300', 'ECONNREFUSED']),
      fault(false, ['lost answer', '08006', '53300']),
      fault(true, ['08006', 'ECONNREFUSED', '57014']),
    ];
  }).flat();
  return random.shuffled(all).slice(0, repetitions({ quick: Math.ceil(atMost / 2), full: atMost }));
}

function differenceOf(found: unknown, expected: unknown): string | undefined {
  if (isDeepStrictEqual(found, expected)) return undefined;
  const [left, right] = [found, expected] as Record<string, unknown>[];
  return Object.keys({ ...left, ...right })
    .filter((name) => !isDeepStrictEqual(left?.[name], right?.[name]))
    .map((name) => `${name}: ${JSON.stringify(left?.[name])} instead of ${JSON.stringify(right?.[name])}`)
    .join('\n');
}

/** It names the failure of the database, not what followed from it: 25P02, or a client that is not usable. */
const saysWhatHappened = (error: unknown): boolean => {
  const { code, message } = error as { code?: string; message: string };
  return code === undefined
    ? /^Connection terminated|^timeout (exceeded|expired)/.test(message)
    : code !== '25P02';
};

/** What is still under way in the database and in the pool. */
async function leftOf(workers: DirectWorkers): Promise<Record<string, number>> {
  const [row] = await workers.superuser(`select
    (select count(*)::int from outbox) as messages,
    (select count(*)::int from record_syncs where claim_id is not null or lease_until is not null) as claims,
    (select count(*)::int from sync_runs where finished_at is null) as runs,
    (select count(*)::int from sync_jobs where finished_at is null) as jobs,
    (select count(*)::int from overviews where state in ('queued', 'running')) as overviews,
    (select count(*)::int from webhook_deliveries where next_attempt_at is not null) as deliveries,
    (select count(*)::int from background_tasks where finished_at is null) as tasks,
    (select count(*)::int from pg_stat_activity where datname = current_database()
      and state like 'idle in transaction%') as transactions`);
  return { ...(row as Record<string, number>), connections: await workers.faults.leaked() };
}
