/**
 * Requests the scheduled runs of all integrations, from rows, in one worker at a time (rules.md 28 to 30).
 * What comes too late is requested once, for the newest of the times that were missed. Nightly runs wait
 * while too many are in progress.
 */
import type { ActivityLog } from '../../activities/dependencies';
import { type Database, unlessDeleted } from '../../db/database';
import {
  countNightlyRuns,
  type DueSchedule,
  findDueSchedules,
  findOutdatedSchedules,
  type IntegrationKey,
  requestDueRun,
} from '../../db/sync-runs/schedules/due-schedules';
import { updateSchedules } from '../../db/sync-runs/sync-schedules';
import { always, type MayContinue, startLeasedLoop } from '../leased-loop';

const INTERVAL_MS = 5_000;
const RECONCILED_EVERY_MS = 3_600_000;
const ROWS_PER_PAGE = 200;
const INTEGRATIONS_PER_PAGE = 2_000;
const REQUESTS_AT_ONCE = 8;

/** How many nightly runs may be in progress; those that a person asks for do not count. */
interface NightlyLimits {
  installation: number;
  tenant: number;
}

export interface TickerOptions {
  database: Database;
  log: ActivityLog;
  nightly: NightlyLimits;
}

/** Requests what is due. @returns how many schedules were moved on. */
export async function tick(options: TickerOptions, mayContinue: MayContinue = always): Promise<number> {
  return (await requestHourly(options, mayContinue)) + (await requestNightly(options, mayContinue));
}

async function requestHourly(options: TickerOptions, mayContinue: MayContinue): Promise<number> {
  let count = 0;
  for (let after: DueSchedule | undefined; await mayContinue();) {
    const page = await options.database.withDispatcher((work) =>
      findDueSchedules(work, { schedule: 'hourly', after, limit: ROWS_PER_PAGE }),
    );
    count += await requestAll(options, page);
    after = page.at(-1);
    if (page.length < ROWS_PER_PAGE) break;
  }
  return count;
}

async function requestNightly(options: TickerOptions, mayContinue: MayContinue): Promise<number> {
  const { database, nightly } = options;
  let count = 0;
  for (let after: DueSchedule | undefined; await mayContinue();) {
    const { page, admitted } = await database.withDispatcher(async (work) => {
      const running = await countNightlyRuns(work);
      let free = nightly.installation - [...running.values()].reduce((sum, runs) => sum + runs, 0);
      const withoutTenants = [...running].flatMap(([id, runs]) => (runs < nightly.tenant ? [] : [id]));
      const found =
        free <= 0
          ? []
          : await findDueSchedules(work, {
              schedule: 'nightly',
              after,
              withoutTenants,
              limit: ROWS_PER_PAGE,
            });
      const hasPlace = ({ tenantId }: DueSchedule): boolean => {
        const runs = running.get(tenantId) ?? 0;
        if (runs >= nightly.tenant || free <= 0) return false;
        running.set(tenantId, runs + 1);
        free -= 1;
        return true;
      };
      return { page: found, admitted: found.filter(hasPlace) };
    });
    count += await requestAll(options, admitted);
    after = page.at(-1);
    if (page.length < ROWS_PER_PAGE) break;
  }
  return count;
}

/** A request that fails is repeated with the next turn. */
async function requestAll({ database, log }: TickerOptions, due: readonly DueSchedule[]): Promise<number> {
  let count = 0;
  await inParallel(due, async (schedule) => {
    try {
      const decision = await unlessDeleted(
        database.withTenant(schedule.tenantId, (work) => requestDueRun(work, schedule)),
      );
      if (decision !== undefined) count += 1;
    } catch (error) {
      const { tenantId, integrationId } = schedule;
      log.warn(
        { err: error, tenantId, integrationId },
        'could not request a scheduled run; trying again soon',
      );
    }
  });
  return count;
}

/**
 * Corrects rows that do not follow the settings. An integration that fails is tried again an hour later, and
 * does not hold up the others. @returns how many integrations were corrected.
 */
export async function reconcileSchedules(
  { database, log }: Pick<TickerOptions, 'database' | 'log'>,
  mayContinue: MayContinue = always,
): Promise<number> {
  let count = 0;
  for (let after: IntegrationKey | undefined; await mayContinue();) {
    const { outdated, end } = await database.withDispatcher((work) =>
      findOutdatedSchedules(work, { after, limit: INTEGRATIONS_PER_PAGE }),
    );
    await inParallel(outdated, async (key) => {
      try {
        await unlessDeleted(database.withTenant(key.tenantId, (work) => updateSchedules(work, key)));
        count += 1;
      } catch (error) {
        log.warn({ err: error, ...key }, 'could not correct the schedules of an integration');
      }
    });
    after = end;
    if (end === undefined) break;
  }
  return count;
}

async function inParallel<Item>(
  items: readonly Item[],
  run: (item: Item) => Promise<unknown>,
): Promise<void> {
  const queue = [...items];
  const runners = Array.from({ length: Math.min(REQUESTS_AT_ONCE, queue.length) }, async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await run(item);
  });
  await Promise.all(runners);
}

export function startScheduleTicker(options: TickerOptions): { stop(): Promise<void> } {
  let reconciledAt = -Infinity;
  return startLeasedLoop({
    ...options,
    name: 'schedule_ticker',
    intervalMs: INTERVAL_MS,
    async run(mayContinue) {
      await tick(options, mayContinue);
      if (performance.now() - reconciledAt > RECONCILED_EVERY_MS) {
        const startedAt = performance.now();
        await reconcileSchedules(options, mayContinue);
        reconciledAt = startedAt;
      }
    },
  });
}
