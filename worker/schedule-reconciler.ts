/**
 * Brings the Temporal Schedules of integrations in line with their rows: creates, updates and deletes them.
 * Repeating it and running it concurrently are harmless, because a caller reads the rows again after it has
 * written. A schedule that is right already is not updated: an update makes Temporal drop the runs that it
 * still has to catch up on.
 */
import { isDeepStrictEqual } from 'node:util';
import {
  type Client,
  ScheduleAlreadyRunning,
  type ScheduleDescription,
  ScheduleNotFoundError,
  type ScheduleOptions,
} from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import { type SyncSchedule, SYNC_SCHEDULES, syncScheduleId } from '../contract/sync-schedule';
import type { Database } from '../db/database';
import { listScheduledIntegrations, readScheduleSettings } from '../db/sync-runs/sync-schedules';
import type { ActivityLog } from '../activities/dependencies';
import { InterruptiblePause } from './interruptible-pause';
import { syncScheduleOptions } from './sync-schedule-options';

export interface ScheduleTools {
  client: Client;
  database: Database;
  /** False if the cluster refused to register the search attributes. */
  hasSearchAttributes: boolean;
}

interface IntegrationKey {
  tenantId: string;
  integrationId: string;
}

export async function reconcileSyncSchedules(tools: ScheduleTools, key: IntegrationKey): Promise<void> {
  const wanted = await readWanted(tools, key);
  for (const schedule of SYNC_SCHEDULES)
    await reconcile(tools.client, syncScheduleId({ ...key, schedule }), wanted[schedule]);
  // The rows may have changed since, so the last writer must have read the last version.
  if (!isDeepStrictEqual(await readWanted(tools, key), wanted)) await reconcileSyncSchedules(tools, key);
}

type Wanted = Record<SyncSchedule, ScheduleOptions | undefined>;

async function readWanted(
  { database, hasSearchAttributes }: ScheduleTools,
  key: IntegrationKey,
): Promise<Wanted> {
  const settings = await database.withTenant(key.tenantId, (work) => readScheduleSettings(work, key));
  return {
    hourly:
      settings?.isHourlyOn === true
        ? syncScheduleOptions({ ...key, schedule: 'hourly', hasSearchAttributes })
        : undefined,
    nightly:
      settings === undefined || settings.nightlyAt === null
        ? undefined
        : syncScheduleOptions({
            ...key,
            schedule: 'nightly',
            hasSearchAttributes,
            nightlyAt: settings.nightlyAt,
            zone: settings.zone,
          }),
  };
}

async function reconcile(
  client: Client,
  scheduleId: string,
  wanted: ScheduleOptions | undefined,
): Promise<void> {
  const handle = client.schedule.getHandle(scheduleId);
  try {
    const present = await handle.describe();
    if (wanted === undefined) return await handle.delete();
    if (isUpToDate(present, wanted)) return;
    const { scheduleId: _, memo: __, ...options } = wanted;
    // A schedule that an operator paused stays paused and keeps the note.
    await handle.update(({ state }) => ({
      ...options,
      state: state.paused ? state : { ...state, ...wanted.state },
    }));
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
    if (wanted !== undefined) await create(client, wanted);
  }
}

async function create(client: Client, wanted: ScheduleOptions): Promise<void> {
  try {
    await client.schedule.create(wanted);
  } catch (error) {
    // Another worker created it first.
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await reconcile(client, wanted.scheduleId, wanted);
  }
}

/** Compares only the fields that are set here, in the form in which the server returns them. */
function isUpToDate({ spec, policies, action }: ScheduleDescription, wanted: ScheduleOptions): boolean {
  const clock = (calendars: readonly object[] = []) =>
    calendars.map((calendar) => ({ ...pick(calendar, 'hour'), ...pick(calendar, 'minute') }));
  const actual = [
    clock(spec.calendars),
    spec.timezone,
    spec.jitter,
    policies.overlap,
    policies.catchupWindow,
    action.workflowType,
    action.args,
  ];
  const { spec: wantedSpec, policies: wantedPolicies, action: wantedAction } = wanted;
  const expected = [
    clock(wantedSpec.calendars),
    wantedSpec.timezone,
    wantedSpec.jitter,
    wantedPolicies?.overlap,
    wantedPolicies?.catchupWindow,
    wantedAction.workflowType,
    wantedAction.args,
  ];
  const { typedSearchAttributes: attributes = [] } = action;
  const pairs = attributes instanceof TypedSearchAttributes ? attributes.getAll() : attributes;
  const isSearchable = pairs.length > 0;
  return (
    isDeepStrictEqual(actual, expected) && isSearchable === (wantedAction.typedSearchAttributes !== undefined)
  );
}

const pick = (calendar: object, field: 'hour' | 'minute') => ({
  [field]: (calendar as Record<string, unknown>)[field],
});

const PAGE_SIZE = 500;
const CONCURRENCY = 8;

/**
 * Reconciles the schedules of all integrations. @returns how many integrations there are.
 * @throws the first error, after every integration was tried.
 */
export async function reconcileAllSyncSchedules(
  tools: ScheduleTools,
  isStopped: () => boolean = () => false,
): Promise<number> {
  const failures: unknown[] = [];
  let count = 0;
  for (let after: string | undefined; ;) {
    const page = await tools.database.withDispatcher((work) =>
      listScheduledIntegrations(work, { limit: PAGE_SIZE, after }),
    );
    const queue = [...page];
    const workers = Array.from({ length: Math.min(CONCURRENCY, queue.length) }, async () => {
      for (let key = queue.shift(); key !== undefined && !isStopped(); key = queue.shift())
        await reconcileSyncSchedules(tools, key).catch((error: unknown) => failures.push(error));
    });
    await Promise.all(workers);
    count += page.length;
    after = page.at(-1)?.integrationId;
    if (page.length < PAGE_SIZE || isStopped()) break;
  }
  if (failures.length > 0) throw failures[0];
  return count;
}

const INTERVAL_MS = 6 * 3_600_000;
const RETRY_MS = 60_000;

/**
 * Reconciles at start, every six hours, and at once if Temporal has lost its data.
 */
export function startScheduleReconciler(tools: ScheduleTools & { log: ActivityLog }): {
  reconcileNow(): void;
  stop(): Promise<void>;
} {
  const pause = new InterruptiblePause();
  let isStopped = false;
  const run = async (): Promise<void> => {
    while (!isStopped) {
      pause.reset();
      const ms = await reconcileAllSyncSchedules(tools, () => isStopped).then(
        () => INTERVAL_MS,
        (error: unknown) => {
          tools.log.warn({ err: error }, 'could not reconcile the sync schedules; retrying in a minute');
          return RETRY_MS;
        },
      );
      if (!pause.isInterrupted) await pause.sleep(ms);
    }
  };
  const running = run();
  return {
    reconcileNow: () => pause.interrupt(),
    async stop() {
      isStopped = true;
      pause.interrupt();
      await running;
    },
  };
}
