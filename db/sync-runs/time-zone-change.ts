/** What a tenant's move to another time zone means for the nights of its integrations (rules.md 29). */
import { nightOf } from '../../domain/sync-runs/nightly-schedule';
import type { TenantWork } from '../database';
import { pullsOf } from '../../domain/records/mapping-directions';
import { wakeSchedules } from './sync-schedules';
import { decideTick, findRunOfNight } from './scheduled-requests';

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
    if (pullsOf(integration).length === 0) continue;
    await wakeSchedules(work, { integrationId });
    if (nightlySyncAt === null || !(await isNightMissing(work, integrationId, nightOf(now, nightlySyncAt, timeZone)))) continue;
    await decideTick(work, { integrationId, schedule: 'nightly', scheduledAt: now });
  }
}

/** One that never had a nightly run has none to catch up with. */
async function isNightMissing({ trx, tenantId }: Pick<TenantWork, 'trx' | 'tenantId'>, integrationId: string, night: string): Promise<boolean> {
  const earlier = await trx
    .selectFrom('syncRuns')
    .select('syncRunId')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('localDate', '<', night)
    .limit(1)
    .executeTakeFirst();
  if (earlier === undefined) return false;
  return (await findRunOfNight({ trx, tenantId }, integrationId, night)) === undefined;
}
