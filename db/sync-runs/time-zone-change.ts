/** What a tenant's move to another time zone means for the nights of its integrations (rules.md 29). */
import { scheduleDateOf } from '../../domain/sync-runs/nightly-schedule';
import type { TenantWork } from '../database';
import { pulledRecordTypes } from '../../domain/records/mapping-directions';
import { enqueueSchedules } from './sync-schedules';
import { decideScheduledRun, findRunOfScheduleDate } from './scheduled-requests';

/**
 * After the tenant moved to another zone: where it is a later date by now, and that date's nightly time has passed, its run is asked
 * for at once. Where it is an earlier date again, that date has had its run.
 */
export async function moveSchedules(work: TenantWork, { timeZone }: { timeZone: string }): Promise<void> {
  const { trx, tenantId, now } = work;
  const integrations = await trx
    .selectFrom('integrations')
    .select(['integrationId', 'recordTypes', 'nightlySyncAt'])
    .where('tenantId', '=', tenantId)
    .where('deletedAt', 'is', null)
    .orderBy('integrationId')
    .execute();
  for (const { integrationId, nightlySyncAt, ...integration } of integrations) {
    if (pulledRecordTypes(integration).length === 0) continue;
    await enqueueSchedules(work, { integrationId });
    if (
      nightlySyncAt === null ||
      !(await isScheduleDateMissing(work, integrationId, scheduleDateOf(now, nightlySyncAt, timeZone)))
    )
      continue;
    await decideScheduledRun(work, { integrationId, schedule: 'nightly', scheduledAt: now });
  }
}

/** One that never had a nightly run has none to catch up with. */
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
