/**
 * Changing a tenant, including what a new time zone means for the nightly runs of its integrations (rules.md
 * 29).
 */
import { scheduleDateOf } from '../../../domain/sync-runs/nightly-schedule';
import type { TenantWork } from '../../database';
import { lockTenant, type Tenant, type TenantChange, updateTenant } from '../../tenants/tenants';
import { decideScheduledRun, findRunOfScheduleDate } from '../scheduled-requests';
import { updateSchedules } from '../sync-schedules';

/** Nightly runs follow the tenant's time zone: a new one moves the schedules. */
export async function changeTenant(work: TenantWork, change: TenantChange): Promise<Tenant> {
  const before = await lockTenant(work);
  const after = await updateTenant(work, change);
  if (before?.timeZone !== after.timeZone) await moveSchedules(work, after.timeZone);
  return after;
}

/**
 * If it is a later date in the new zone and that date's nightly time has passed, its run is requested at
 * once. If it is an earlier date again, that date has had its run.
 */
async function moveSchedules(work: TenantWork, timeZone: string): Promise<void> {
  const { trx, tenantId, now } = work;
  const integrations = await trx
    .selectFrom('integrations')
    .select(['integrationId', 'recordTypes', 'nightlySyncAt'])
    .where('tenantId', '=', tenantId)
    .where('deletedAt', 'is', null)
    .orderBy('integrationId')
    .execute();
  for (const { integrationId, nightlySyncAt, ...integration } of integrations) {
    if (Object.keys(integration.recordTypes).length === 0) continue;
    await updateSchedules(work, { integrationId });
    if (nightlySyncAt === null) continue;
    const scheduleDate = scheduleDateOf(now, nightlySyncAt, timeZone);
    if (await isScheduleDateMissing(work, integrationId, scheduleDate))
      await decideScheduledRun(work, { integrationId, schedule: 'nightly', scheduledAt: now });
  }
}

/** False for an integration that has never had a nightly run: there is nothing to catch up with. */
async function isScheduleDateMissing(
  { trx, tenantId }: Pick<TenantWork, 'trx' | 'tenantId'>,
  integrationId: string,
  scheduleDate: string,
): Promise<boolean> {
  const earlier = await trx
    .selectFrom('syncRuns')
    .select('syncRunId')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('localDate', '<', scheduleDate)
    .limit(1)
    .executeTakeFirst();
  if (earlier === undefined) return false;
  return (await findRunOfScheduleDate({ trx, tenantId }, integrationId, scheduleDate)) === undefined;
}
