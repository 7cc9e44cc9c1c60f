/**
 * Every minute: sends a message for stalled work again, and deletes expired rows. Work stalls when its
 * workflow was terminated by an operator or lost in a restore. One worker sweeps at a time.
 */
import type { ActivityLog } from '../activities/dependencies';
import type { Database } from '../db/database';
import { STALLED_WORK, STALLED_WORK_KINDS } from '../db/platform/stalled-work';
import type { StalledWork } from '../db/platform/stalled-work-page';
import { type Places, purgeExpired } from '../db/retention/purge-expired';
import { DEFAULT_RETENTION, type Retention } from '../domain/retention';
import { always, type MayContinue, startLeasedLoop } from './leased-loop';
import type { OutboxHandler } from './outbox-handlers';
import { TemporalAway } from './temporal-away';

const INTERVAL_MS = 60_000;
const OVERDUE_MS = 60_000;
/** Longer than any work waits: everything counts as overdue. */
const EVERYTHING_MS = -365 * 86_400_000;
const ROWS_PER_PAGE = 500;
/** Of each kind of work. The next turn continues after them. */
const PAGES_PER_TURN = 10;
const CALLS_AT_ONCE = 16;

export interface SweepOptions {
  database: Database;
  handleRow: OutboxHandler;
  log: ActivityLog;
  intervalMs?: number;
  retention?: Retention;
  /**
   * Work that waits for a later time is started, too: Temporal has lost its data. A refused message is only
   * logged, so that it does not have everything started again; later sweeps find its work.
   */
  isEverything?: boolean;
}

/**
 * @returns how much stalled work was found.
 * @throws the first error, after everything was tried.
 */
export async function sweep(
  options: SweepOptions,
  mayContinue: MayContinue = always,
  /** Where the last turn ended, by kind of work. */
  positions: Places = new Map(),
): Promise<number> {
  const [failures, refusals]: [unknown[], unknown[]] = [[], []];
  let found = 0;
  for (const kind of STALLED_WORK_KINDS) {
    try {
      found += await sweepKind(kind, { options, mayContinue, positions, refusals });
    } catch (error) {
      failures.push(error);
    }
  }
  if (options.isEverything !== true) failures.push(...refusals);
  if (refusals.length > 0)
    options.log.warn({ err: refusals[0], messages: refusals.length }, 'Temporal refused messages');
  if (found > 0) options.log.warn({ workflows: found }, 'recovered stalled workflows');
  // Expired rows are deleted, whatever else failed.
  if (await mayContinue())
    await purgeExpired(options.database, options.retention ?? DEFAULT_RETENTION, Date.now, positions).catch(
      (error: unknown) => options.log.warn({ err: error }, 'could not delete expired rows'),
    );
  if (failures.length > 0) throw failures[0];
  return found;
}

interface SweepTurn {
  options: SweepOptions;
  mayContinue: MayContinue;
  positions: Places;
  /** Errors of refused messages. */
  refusals: unknown[];
}

async function sweepKind(
  kind: keyof typeof STALLED_WORK,
  { options: { database, handleRow, isEverything = false }, mayContinue, positions, refusals }: SweepTurn,
): Promise<number> {
  const overdueMs = isEverything ? EVERYTHING_MS : OVERDUE_MS;
  const pagesMax = isEverything ? Infinity : PAGES_PER_TURN;
  let found = 0;
  for (let pages = 0; pages < pagesMax && (await mayContinue()); pages += 1) {
    const { stalled, end, now } = await database.withDispatcher(async (work) => ({
      ...(await STALLED_WORK[kind](work, {
        overdueSince: new Date(work.now.getTime() - overdueMs),
        after: positions.get(kind),
        limit: ROWS_PER_PAGE,
      })),
      now: work.now,
    }));
    found += stalled.length;
    refusals.push(...(await sendAll(stalled, now, handleRow, mayContinue)));
    positions.set(kind, end);
    if (end === undefined) break;
  }
  return found;
}

/** @returns the errors of messages that were refused. @throws if Temporal is away. */
async function sendAll(
  stalled: readonly StalledWork[],
  now: Date,
  handleRow: OutboxHandler,
  mayContinue: MayContinue,
): Promise<unknown[]> {
  const refusals: unknown[] = [];
  for (let start = 0; start < stalled.length && (await mayContinue()); start += CALLS_AT_ONCE) {
    const slice = stalled.slice(start, start + CALLS_AT_ONCE);
    const outcomes = await Promise.allSettled(
      slice.map((message) => handleRow({ ...message, nextDueAt: now })),
    );
    const errors = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
    const away = errors.find((error) => error instanceof TemporalAway);
    if (away !== undefined) throw away;
    refusals.push(...errors);
  }
  return refusals;
}

export function startSweeper(options: SweepOptions): { stop(): Promise<void> } {
  const { database, log, intervalMs = INTERVAL_MS } = options;
  const positions: Places = new Map();
  return startLeasedLoop({
    database,
    log,
    name: 'sweeper',
    intervalMs,
    run: (mayContinue) => sweep(options, mayContinue, positions),
  });
}
