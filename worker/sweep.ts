/**
 * Each minute: lanes with overdue work are signalled again, whatever became of their workflow (terminated by hand, lost in
 * a restore), and rows that have done their work are deleted. Any number of workers may sweep.
 */
import type { ActivityLog } from '../activities/dependencies';
import type { Database } from '../db/database';
import { findForgottenLanes, tidyUp } from '../db/outbox';

export interface SweepOptions {
  database: Database;
  signalLane(lane: { tenantId: string; integrationId: string; wakeAt: number }): Promise<void>;
  log: ActivityLog;
  everyMs?: number;
  overdueMs?: number;
}

/** One sweep. Answers how many lanes were found. @throws what Temporal said about a lane it did not take a signal for, after all others had theirs. */
export async function sweep({ database, signalLane, log, overdueMs = 60_000 }: SweepOptions): Promise<number> {
  const { lanes, now } = await database.withDispatcher(async (work) => ({
    lanes: await findForgottenLanes(work, { overdueSince: new Date(work.now.getTime() - overdueMs) }),
    now: work.now,
  }));
  const failures: unknown[] = [];
  for (const lane of lanes) await signalLane({ ...lane, wakeAt: now.getTime() }).catch((error: unknown) => failures.push(error));
  if (lanes.length > 0) log.warn({ lanes: lanes.length }, 'swept up lanes with overdue work');
  await database.withDispatcher(tidyUp);
  if (failures.length > 0) throw failures[0];
  return lanes.length;
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
