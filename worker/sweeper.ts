/**
 * Each minute: lanes with overdue work are signalled again, whatever became of their workflow (terminated by hand, lost in
 * a restore), and rows that have done their work are deleted. Any number of workers may sweep.
 */
import type { ActivityLog } from '../activities/dependencies';
import type { Database } from '../db/database';
import { findForgotten, tidyUp } from '../db/platform/outbox';
import type { Wake } from './outbox-dispatcher';

export interface SweepOptions {
  database: Database;
  wake: Wake;
  log: ActivityLog;
  everyMs?: number;
  overdueMs?: number;
}

/** One sweep. Answers how many lanes were found. @throws what Temporal said about a lane it did not take a signal for, after all others had theirs. */
export async function sweep({ database, wake, log, overdueMs = 60_000 }: SweepOptions): Promise<number> {
  const { forgotten, now } = await database.withDispatcher(async (work) => ({
    forgotten: await findForgotten(work, { overdueSince: new Date(work.now.getTime() - overdueMs) }),
    now: work.now,
  }));
  const failures: unknown[] = [];
  for (const due of forgotten) await wake({ ...due, wakeAt: now }).catch((error: unknown) => failures.push(error));
  if (forgotten.length > 0) log.warn({ lanes: forgotten.length }, 'swept up lanes with overdue work');
  await database.withDispatcher(tidyUp);
  if (failures.length > 0) throw failures[0];
  return forgotten.length;
}

export function startSweep(options: SweepOptions): { stop(): Promise<void> } {
  let running: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    running = running.then(() => sweep(options)).catch((error: unknown) => options.log.warn({ err: error }, 'sweep failed; the next one tries again'));
  }, options.everyMs ?? 60_000);
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
