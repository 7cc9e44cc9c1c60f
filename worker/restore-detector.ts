/**
 * Every minute: looks whether the database was restored from a backup, and has every integration compared
 * with its app then (rules.md 54). Looks also whether Temporal has lost its data. Any number of workers may
 * look. The copy of the database's mark at Temporal is the note of a paused schedule, because a schedule has
 * no retention and starts nothing.
 */
import { type Client, ScheduleAlreadyRunning, ScheduleNotFoundError } from '@temporalio/client';
import type { ActivityLog } from '../activities/dependencies';
import { databaseMarkScheduleId, SCHEDULED_SYNC_WORKFLOW } from '../contract/sync-schedule';
import { TASK_QUEUES } from '../contract/task-queues';
import { compareEverything } from '../db/compare-everything';
import type { Database } from '../db/database';
import {
  type Installation,
  markDatabase,
  readInstallation,
  readServer,
  restoreOf,
} from '../db/platform/installation';
import { InterruptiblePause } from './interruptible-pause';

const INTERVAL_MS = 60_000;

export interface RestoreDetectorOptions {
  client: Client;
  database: Database;
  log: ActivityLog;
  /** Makes again what Temporal had, from the rows. */
  onTemporalLost: () => Promise<unknown>;
}

/** @returns why the database must have been restored; undefined if it was not. */
export async function detectRestore(options: RestoreDetectorOptions): Promise<string | undefined> {
  const { client, database, log, onTemporalLost } = options;
  const { installationId, isNew } = await database.withDispatcher(readInstallation);
  // Temporal is asked first: another worker may mark the database in between, and tells Temporal afterwards.
  const known = await readMark(client, installationId);
  const server = await readServer(database);
  const installation = await database.withDispatcher(readInstallation);
  if (!isNew && isTemporalBehind(installation, known)) {
    log.warn({ known }, 'Temporal has lost data; starting its schedules and workflows from the database');
    await onTemporalLost();
  }
  const restored = restoreOf(installation, { known, server });
  if (restored !== undefined) {
    const compared = await compareEverything(database);
    log.warn({ restored, integrations: compared }, 'the database was restored; comparing all integrations');
  }
  // Last, so that a worker that dies before has the next one do it again.
  const mark = await database.withDispatcher((work) => markDatabase(work, { known, server }));
  await writeMark(client, installationId, mark);
  return restored;
}

/** Both marks are written one after the other. One interval is lost if a worker dies between them. */
const BEHIND_MS = 2 * INTERVAL_MS;

const isTemporalBehind = ({ markedAt }: Installation, known: Date | null): boolean =>
  known === null || markedAt.getTime() - known.getTime() > BEHIND_MS;

const NOTE = 'Newest mark of the database: ';

function markIn(note: string | undefined): Date | null {
  const time = Date.parse(note?.startsWith(NOTE) === true ? note.slice(NOTE.length) : '');
  return Number.isNaN(time) ? null : new Date(time);
}

async function readMark(client: Client, installationId: string): Promise<Date | null> {
  try {
    const { state } = await client.schedule.getHandle(databaseMarkScheduleId(installationId)).describe();
    return markIn(state.note);
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return null;
    throw error;
  }
}

async function writeMark(client: Client, installationId: string, mark: Date): Promise<void> {
  const scheduleId = databaseMarkScheduleId(installationId);
  const note = `${NOTE}${mark.toISOString()}`;
  try {
    await client.schedule.getHandle(scheduleId).update((present) => {
      const isNewer = mark > (markIn(present.state.note) ?? new Date(0));
      return { ...present, state: { ...present.state, ...(isNewer ? { note } : {}) } };
    });
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    await client.schedule
      .create({
        scheduleId,
        spec: {},
        action: {
          type: 'startWorkflow',
          workflowType: SCHEDULED_SYNC_WORKFLOW,
          taskQueue: TASK_QUEUES.workflows,
          args: [],
        },
        state: { paused: true, note },
        memo: { what: 'Starts nothing. Its note shows a worker that the database was restored.' },
      })
      .catch((problem: unknown) => {
        if (!(problem instanceof ScheduleAlreadyRunning)) throw problem; // another worker was first
      });
  }
}

export function startRestoreDetector(options: RestoreDetectorOptions): { stop(): Promise<void> } {
  const pause = new InterruptiblePause();
  let isStopped = false;
  const run = async (): Promise<void> => {
    while (!isStopped) {
      await detectRestore(options).catch((error: unknown) =>
        options.log.warn(
          { err: error },
          'could not check whether the database was restored; retrying in a minute',
        ),
      );
      if (!isStopped) await pause.sleep(INTERVAL_MS);
    }
  };
  const running = run();
  return {
    async stop() {
      isStopped = true;
      pause.interrupt();
      await running;
    },
  };
}
