/**
 * Deletes the Temporal Schedules of integrations, which former versions made: schedules are rows now. Until
 * then, and while workers of a former version make them again, a scheduled time still has one run, because
 * the rows decide.
 */
import { type Client, ScheduleNotFoundError } from '@temporalio/client';
import type { ActivityLog } from '../../activities/dependencies';
import { SYNC_SCHEDULES } from '../../contract/sync-schedule';
import type { Database } from '../../db/database';
import { type MayContinue, startLeasedLoop } from '../leased-loop';

const INTERVAL_MS = 3_600_000;
const DELETED_AT_ONCE = 8;

export interface RetirementOptions {
  client: Client;
  database: Database;
  log: ActivityLog;
}

/** @returns how many were deleted. */
async function deleteRetiredSchedules(
  { client, log }: Pick<RetirementOptions, 'client' | 'log'>,
  mayContinue: MayContinue,
): Promise<number> {
  let count = 0;
  let some: string[] = [];
  const deleteSome = async (): Promise<void> => {
    await Promise.all(some.map((id) => deleteSchedule(client, id)));
    count += some.length;
    some = [];
  };
  for await (const { scheduleId, state } of client.schedule.list()) {
    if (!SYNC_SCHEDULES.some((schedule) => scheduleId.startsWith(`sync-${schedule}:`))) continue;
    if (state.paused)
      log.warn(
        { scheduleId },
        'a paused schedule is deleted: pause the integration or turn its schedule off',
      );
    some.push(scheduleId);
    if (some.length < DELETED_AT_ONCE) continue;
    if (!(await mayContinue())) return count;
    await deleteSome();
  }
  await deleteSome();
  if (count > 0) log.info({ schedules: count }, 'deleted Temporal Schedules of a former version');
  return count;
}

async function deleteSchedule(client: Client, scheduleId: string): Promise<void> {
  try {
    await client.schedule.getHandle(scheduleId).delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}

export function startRetirement(options: RetirementOptions): { stop(): Promise<void> } {
  return startLeasedLoop({
    ...options,
    name: 'retired_schedules',
    intervalMs: INTERVAL_MS,
    run: (mayContinue) => deleteRetiredSchedules(options, mayContinue),
  });
}
