/**
 * Every minute: sends a message for stalled work again, and deletes expired rows. Work stalls when its
 * workflow was terminated by an operator or lost in a restore. Any number of workers may sweep.
 */
import type { ActivityLog } from '../activities/dependencies';
import type { Database } from '../db/database';
import { findStalledWork } from '../db/platform/stalled-work';
import { purgeExpired } from '../db/retention';
import type { OutboxHandler } from './outbox-handlers';

const INTERVAL_MS = 60_000;
const OVERDUE_MS = 60_000;
/** Longer than any work waits: everything counts as overdue. */
const EVERYTHING_MS = -365 * 86_400_000;

export interface SweepOptions {
  database: Database;
  handleRow: OutboxHandler;
  log: ActivityLog;
  intervalMs?: number;
  /** Work that waits for a later time is started, too: Temporal has lost its data. */
  isEverything?: boolean;
}

/**
 * @returns how much stalled work was found.
 * @throws the first error of Temporal, after every message was tried.
 */
export async function sweep({ database, handleRow, log, isEverything }: SweepOptions): Promise<number> {
  const overdueMs = isEverything === true ? EVERYTHING_MS : OVERDUE_MS;
  const { stalled, now } = await database.withDispatcher(async (work) => ({
    stalled: await findStalledWork(work, { overdueSince: new Date(work.now.getTime() - overdueMs) }),
    now: work.now,
  }));
  const failures: unknown[] = [];
  for (const message of stalled)
    await handleRow({ ...message, nextDueAt: now }).catch((error: unknown) => failures.push(error));
  if (stalled.length > 0) log.warn({ workflows: stalled.length }, 'recovered stalled workflows');
  await database.withDispatcher(purgeExpired);
  if (failures.length > 0) throw failures[0];
  return stalled.length;
}

export function startSweeper(options: SweepOptions): { stop(): Promise<void> } {
  let running: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    running = running
      .then(() => sweep(options))
      .catch((error: unknown) => options.log.warn({ err: error }, 'sweep failed; retrying in a minute'));
  }, options.intervalMs ?? INTERVAL_MS);
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
