/**
 * Makes the Temporal Schedules of integrations as their rows say: created, changed, deleted. Repeating it is harmless, and so are
 * several at once: whoever wrote looks at the rows again. One that is right already is left alone, for changing a schedule
 * makes it forget the ticks it has yet to catch up with.
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
import { listPullingIntegrations, readScheduleSettings } from '../db/sync-runs/sync-schedules';
import type { ActivityLog } from '../activities/dependencies';
import { syncScheduleOptions } from './sync-schedule-options';

export interface ScheduleTools {
  client: Client;
  database: Database;
  /** False where the cluster refused to register them. */
  hasSearchAttributes: boolean;
}

interface Place {
  tenantId: string;
  integrationId: string;
}

/** @throws what Temporal said when it did not take it. */
export async function reconcileSyncSchedules(tools: ScheduleTools, place: Place): Promise<void> {
  const wanted = await readWanted(tools, place);
  for (const schedule of SYNC_SCHEDULES)
    await make(tools.client, syncScheduleId({ ...place, schedule }), wanted[schedule]);
  // Somebody may have changed the rows meanwhile and been faster: the last one to write has seen the last rows.
  if (!isDeepStrictEqual(await readWanted(tools, place), wanted)) await reconcileSyncSchedules(tools, place);
}

type Wanted = Record<SyncSchedule, ScheduleOptions | undefined>;

async function readWanted({ database, hasSearchAttributes }: ScheduleTools, place: Place): Promise<Wanted> {
  const settings = await database.withTenant(place.tenantId, (work) => readScheduleSettings(work, place));
  return {
    hourly:
      settings?.isHourlyOn === true
        ? syncScheduleOptions({ ...place, schedule: 'hourly', hasSearchAttributes })
        : undefined,
    nightly:
      settings === undefined || settings.nightlyAt === null
        ? undefined
        : syncScheduleOptions({
            ...place,
            schedule: 'nightly',
            hasSearchAttributes,
            nightlyAt: settings.nightlyAt,
            zone: settings.zone,
          }),
  };
}

async function make(client: Client, scheduleId: string, wanted: ScheduleOptions | undefined): Promise<void> {
  const handle = client.schedule.getHandle(scheduleId);
  try {
    const present = await handle.describe();
    if (wanted === undefined) return await handle.delete();
    if (isAs(present, wanted)) return;
    const { scheduleId: _, memo: __, ...options } = wanted;
    // What an operator paused stays paused, with the note that says why.
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
    // Another worker was faster.
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await make(client, wanted.scheduleId, wanted);
  }
}

/** Compared is what we set, in the form in which the server gives it back. */
function isAs({ spec, policies, action }: ScheduleDescription, wanted: ScheduleOptions): boolean {
  const clock = (calendars: readonly object[] = []) =>
    calendars.map((calendar) => ({ ...pick(calendar, 'hour'), ...pick(calendar, 'minute') }));
  const asIs = [
    clock(spec.calendars),
    spec.timezone,
    spec.jitter,
    policies.overlap,
    policies.catchupWindow,
    action.workflowType,
    action.args,
  ];
  const { spec: wantedSpec, policies: wantedPolicies, action: wantedAction } = wanted;
  const asWanted = [
    clock(wantedSpec.calendars),
    wantedSpec.timezone,
    wantedSpec.jitter,
    wantedPolicies?.overlap,
    wantedPolicies?.catchupWindow,
    wantedAction.workflowType,
    wantedAction.args,
  ];
  const { typedSearchAttributes: given = [] } = action;
  const isSearchable = (given instanceof TypedSearchAttributes ? given.getAll() : given).length > 0;
  return (
    isDeepStrictEqual(asIs, asWanted) && isSearchable === (wantedAction.typedSearchAttributes !== undefined)
  );
}

const pick = (calendar: object, field: 'hour' | 'minute') => ({
  [field]: (calendar as Record<string, unknown>)[field],
});

const PAGE = 500;
const AT_ONCE = 8;

/** Of all integrations. Answers how many there are. @throws what Temporal said about one, after all others had their turn. */
export async function reconcileAllSyncSchedules(
  tools: ScheduleTools,
  isStopped: () => boolean = () => false,
): Promise<number> {
  const failures: unknown[] = [];
  let count = 0;
  for (let after: string | undefined; ;) {
    const page = await tools.database.withDispatcher((work) =>
      listPullingIntegrations(work, { limit: PAGE, after }),
    );
    const queue = [...page];
    const workers = Array.from({ length: Math.min(AT_ONCE, queue.length) }, async () => {
      for (let place = queue.shift(); place !== undefined && !isStopped(); place = queue.shift())
        await reconcileSyncSchedules(tools, place).catch((error: unknown) => failures.push(error));
    });
    await Promise.all(workers);
    count += page.length;
    after = page.at(-1)?.integrationId;
    if (page.length < PAGE || isStopped()) break;
  }
  if (failures.length > 0) throw failures[0];
  return count;
}

const EVERY_MS = 6 * 3_600_000;
const AFTER_TROUBLE_MS = 60_000;

/** At once and every six hours, so that a new or restored Temporal gets its schedules back. */
export function keepSyncSchedules(tools: ScheduleTools & { log: ActivityLog; everyMs?: number }): {
  stop(): Promise<void>;
} {
  let isStopped = false;
  let handleRow = () => {};
  const rest = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      handleRow = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const running = (async () => {
    while (!isStopped) {
      const ms = await reconcileAllSyncSchedules(tools, () => isStopped).then(
        () => tools.everyMs ?? EVERY_MS,
        (error: unknown) => {
          tools.log.warn({ err: error }, 'could not look after the schedules; trying again in a minute');
          return AFTER_TROUBLE_MS;
        },
      );
      if (!isStopped) await rest(ms);
    }
  })();
  return {
    async stop() {
      isStopped = true;
      handleRow();
      await running;
    },
  };
}
