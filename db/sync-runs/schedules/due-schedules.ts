/**
 * Scheduled times that have come (rules.md 28 to 30, 59, 60): found for all tenants, in pages, and requested
 * one by one. A run is requested and its schedule moved on in one transaction, so that a worker that dies in
 * between neither loses nor repeats one.
 */
import { type RawBuilder, type Selectable, sql } from 'kysely';
import { newestTick, nextTick } from '../../../domain/sync-runs/schedule-ticks';
import type { TenantWork, Work } from '../../database';
import { lockIntegration } from '../../integrations/integrations';
import type { SyncSchedulesTable } from '../../tables/sync-runs';
import { decideScheduledRun, type ScheduledRunDecision } from '../scheduled-requests';
import {
  HOURLY_BASIS,
  readScheduleSettings,
  type ScheduleKind,
  scheduleOf,
  updateSchedules,
} from '../sync-schedules';
import { FIRST_ID } from '../../sql/ids';

export type DueSchedule = Selectable<SyncSchedulesTable>;

/** The rows of a tenant that is being deleted stay for a while, and no run of it begins or goes on. */
const isNotDeleted = (tenantId: RawBuilder<unknown>): RawBuilder<boolean> =>
  sql<boolean>`(select true from tenant_deletions deleted where deleted.tenant_id = ${tenantId} limit 1) is null`;

/** The oldest first. Needs the dispatcher's role. */
export async function findDueSchedules(
  { trx, now }: Work,
  {
    schedule,
    after,
    withoutTenants = [],
    limit,
  }: {
    schedule: ScheduleKind;
    /** The last one of the page before. */
    after: DueSchedule | undefined;
    withoutTenants?: readonly string[];
    limit: number;
  },
): Promise<DueSchedule[]> {
  let query = trx
    .selectFrom('syncSchedules')
    .selectAll()
    .where('schedule', '=', schedule)
    .where('nextAt', '<=', now)
    .where(isNotDeleted(sql.ref('sync_schedules.tenant_id')));
  if (after !== undefined)
    query = query.where(sql<boolean>`(next_at, integration_id) > (${after.nextAt}, ${after.integrationId})`);
  if (withoutTenants.length > 0) query = query.where('tenantId', 'not in', [...withoutTenants]);
  return query.orderBy('nextAt').orderBy('integrationId').limit(limit).execute();
}

/**
 * Requests the run of a due schedule, for the newest of the times that have passed, and moves the schedule
 * on. @returns undefined if another worker did it, or the settings have changed.
 */
export async function requestDueRun(
  work: TenantWork,
  due: Pick<DueSchedule, 'integrationId' | 'schedule'>,
): Promise<ScheduledRunDecision | undefined> {
  const { trx, tenantId, now } = work;
  const { integrationId, schedule } = due;
  // In the order in which a change of the settings locks them.
  await lockIntegration(work, due);
  const row = await trx
    .selectFrom('syncSchedules')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('schedule', '=', schedule)
    .where('nextAt', '<=', now)
    .forUpdate()
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const wanted = scheduleOf(await readScheduleSettings(work, due), schedule, integrationId);
  if (wanted === undefined || wanted.basis !== row.basis) {
    await updateSchedules(work, due);
    return undefined;
  }
  const scheduledAt = newestTick(wanted.times, row.nextAt, now);
  const decision = await decideScheduledRun(work, { integrationId, schedule, scheduledAt });
  await trx
    .updateTable('syncSchedules')
    .set({ nextAt: nextTick(wanted.times, now) })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('schedule', '=', schedule)
    .execute();
  return decision;
}

/**
 * Nightly runs in progress, by tenant. A run that waits for its third party, behind another one, or for a
 * person to decide about parked work, is not in progress. Needs the dispatcher's role.
 */
export async function countNightlyRuns({ trx }: Work): Promise<Map<string, number>> {
  const { rows } = await sql<{ tenantId: string; runs: number }>`
    select tenant_id, count(*)::integer as runs from sync_runs run
    where state in ('queued', 'running', 'waiting') and kind = 'nightly'
      and ${isNotDeleted(sql.ref('run.tenant_id'))}
      and (state = 'running' or state = 'queued' and not exists (
        select from sync_runs other
        where other.tenant_id = run.tenant_id and other.integration_id = run.integration_id
          and other.state in ('running', 'waiting')))
      and (select true from running_work work where work.tenant_id = run.tenant_id and work.kind = 'pull'
        and work.subject_id = run.sync_run_id and parked_at is not null limit 1) is null
    group by tenant_id`.execute(trx);
  return new Map(rows.map(({ tenantId, runs }) => [tenantId, runs]));
}

export interface IntegrationKey {
  tenantId: string;
  integrationId: string;
}

/**
 * Integrations of which the rows do not follow the settings: an older version changed them, or the clock was
 * set back. Examines `limit` integrations. Needs the dispatcher's role.
 */
export async function findOutdatedSchedules(
  { trx, now }: Work,
  { after, limit }: { after: IntegrationKey | undefined; limit: number },
): Promise<{ outdated: IntegrationKey[]; end: IntegrationKey | undefined }> {
  const { tenantId, integrationId } = after ?? { tenantId: FIRST_ID, integrationId: FIRST_ID };
  const { rows } = await sql<IntegrationKey & { isOutdated: boolean }>`
    with page as (
      select tenant_id, integration_id, is_hourly_sync_on, nightly_sync_at, record_types, deleted_at
      from integrations where (tenant_id, integration_id) > (${tenantId}, ${integrationId})
      order by tenant_id, integration_id limit ${limit})
    select page.tenant_id, page.integration_id,
      hourly.basis is distinct from (case when deleted_at is null and is_hourly_sync_on
        and record_types @? '$.*.direction ? (@ != "push")' then ${HOURLY_BASIS} end)
      or nightly.basis is distinct from (case when deleted_at is null and record_types <> '{}'
        then nightly_sync_at || ' ' || tenant.time_zone end)
      or coalesce(hourly.next_at > ${new Date(now.getTime() + 7_200_000)}, false)
      or coalesce(nightly.next_at > ${new Date(now.getTime() + 2 * 86_400_000)}, false) as is_outdated
    from page join tenants tenant on tenant.tenant_id = page.tenant_id
    left join sync_schedules hourly on hourly.tenant_id = page.tenant_id
      and hourly.integration_id = page.integration_id and hourly.schedule = 'hourly'
    left join sync_schedules nightly on nightly.tenant_id = page.tenant_id
      and nightly.integration_id = page.integration_id and nightly.schedule = 'nightly'
    order by page.tenant_id, page.integration_id`.execute(trx);
  return {
    outdated: rows.filter(({ isOutdated }) => isOutdated),
    end: rows.length < limit ? undefined : rows.at(-1),
  };
}
