/**
 * Each minute: lanes with overdue work are signalled again, whatever became of their workflow (terminated by hand, lost in
 * a restore), and rows that have done their work are deleted. Any number of workers may sweep.
 */
import type { ActivityLog } from '../activities/dependencies';
import type { Database } from '../db/database';
import { findStalled, purgeExpired } from '../db/platform/outbox';
import type { OutboxHandler } from './outbox-dispatcher';

export interface SweepOptions {
  database: Database;
  handleRow: OutboxHandler;
  log: ActivityLog;
  everyMs?: number;
  overdueMs?: number;
}

/** One sweep. Answers how many lanes were found. @throws what Temporal said about a lane it did not take a signal for, after all others had theirs. */
export async function sweep({ database, handleRow, log, overdueMs = 60_000 }: SweepOptions): Promise<number> {
  const { stalled, now } = await database.withDispatcher(async (work) => ({
    stalled: await findStalled(work, { overdueSince: new Date(work.now.getTime() - overdueMs) }),
    now: work.now,
  }));
  const failures: unknown[] = [];
  for (const due of stalled)
    await handleRow({ ...due, nextDueAt: now }).catch((error: unknown) => failures.push(error));
  if (stalled.length > 0) log.warn({ queues: stalled.length }, 'swept up lanes with overdue work');
  await database.withDispatcher(purgeExpired);
  if (failures.length > 0) throw failures[0];
  return stalled.length;
}

export function startSweep(options: SweepOptions): { stop(): Promise<void> } {
  let running: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    running = running
      .then(() => sweep(options))
      .catch((error: unknown) => options.log.warn({ err: error }, 'sweep failed; the next one tries again'));
  }, options.everyMs ?? 60_000);
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
