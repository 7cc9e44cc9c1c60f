/**
 * The schedules of integrations: a row for each, with its next time. worker/schedules/schedule-ticker.ts
 * requests the runs.
 */
import { sql } from 'kysely';
import { pulledRecordTypes } from '../../domain/records/mapping-directions';
import { nextTick, type ScheduleTimes } from '../../domain/sync-runs/schedule-ticks';
import type { TenantWork } from '../database';
import { findIntegration } from '../integrations/integrations';

export interface ScheduleSettings {
  isHourlyOn: boolean;
  /** `HH:MM` in the zone; null = never. */
  nightlyAt: string | null;
  /** The tenant's. */
  zone: string;
}

/**
 * The schedules an integration should have; undefined if it is deleted or syncs nothing. A paused one keeps
 * them (rules.md 16).
 */
export async function readScheduleSettings(
  work: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<ScheduleSettings | undefined> {
  const integration = await findIntegration(work, { integrationId });
  if (integration === undefined || Object.keys(integration.recordTypes).length === 0) return undefined;
  return {
    // What is only pushed is compared at night.
    isHourlyOn: integration.isHourlySyncOn && pulledRecordTypes(integration).length > 0,
    nightlyAt: integration.nightlySyncAt,
    zone: await readTimeZone(work),
  };
}

const SCHEDULES = ['hourly', 'nightly'] as const;
export type ScheduleKind = (typeof SCHEDULES)[number];

/** The times of a schedule, and the settings that they depend on; undefined = there is none. */
export function scheduleOf(
  settings: ScheduleSettings | undefined,
  schedule: ScheduleKind,
  integrationId: string,
): { times: ScheduleTimes; basis: string } | undefined {
  if (settings === undefined) return undefined;
  const { isHourlyOn, nightlyAt, zone } = settings;
  if (schedule === 'hourly')
    return isHourlyOn ? { times: { integrationId, schedule }, basis: HOURLY_BASIS } : undefined;
  if (nightlyAt === null) return undefined;
  return { times: { integrationId, schedule, nightlyAt, zone }, basis: `${nightlyAt} ${zone}` };
}

export const HOURLY_BASIS = 'hourly';

/**
 * Makes the rows follow the settings. A row with the same settings keeps its time, which may be due, unless
 * that is later than the next one: then the clock was set back.
 */
export async function updateSchedules(
  work: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<void> {
  const { trx, tenantId, now } = work;
  const settings = await readScheduleSettings(work, { integrationId });
  for (const schedule of SCHEDULES) {
    const wanted = scheduleOf(settings, schedule, integrationId);
    if (wanted === undefined)
      await trx
        .deleteFrom('syncSchedules')
        .where('tenantId', '=', tenantId)
        .where('integrationId', '=', integrationId)
        .where('schedule', '=', schedule)
        .execute();
    else
      await trx
        .insertInto('syncSchedules')
        .values({
          tenantId,
          integrationId,
          schedule,
          basis: wanted.basis,
          nextAt: nextTick(wanted.times, now),
        })
        .onConflict((conflict) =>
          conflict.columns(['tenantId', 'integrationId', 'schedule']).doUpdateSet((eb) => ({
            basis: eb.ref('excluded.basis'),
            nextAt: sql`case when sync_schedules.basis = excluded.basis
              then least(sync_schedules.next_at, excluded.next_at) else excluded.next_at end`,
          })),
        )
        .execute();
  }
}

/** Since when the nightly run waits because too many are in progress; undefined = it does not. */
export async function nightlyWaitsSince(
  { trx, tenantId, now }: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<Date | undefined> {
  const row = await trx
    .selectFrom('syncSchedules')
    .select('nextAt')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('schedule', '=', 'nightly')
    .where('nextAt', '<', new Date(now.getTime() - WAITS_AFTER_MS))
    .executeTakeFirst();
  return row?.nextAt;
}

/** Before that, the ticker has not come to it yet. */
const WAITS_AFTER_MS = 60_000;

/** Of the tenant. */
export async function readTimeZone({ trx, tenantId }: TenantWork): Promise<string> {
  const tenant = await trx
    .selectFrom('tenants')
    .select('timeZone')
    .where('tenantId', '=', tenantId)
    .executeTakeFirstOrThrow();
  return tenant.timeZone;
}
