/**
 * What a person does on purpose ends the waits of an integration at once: new credentials, another
 * configuration, resuming it, a successful check, "Push now" or "Retry now". The next push is sent alone, and
 * its answer decides whether the integration waits again (rules.md 11, 34).
 */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { type IntegrationKey, probeNow } from '../records/probe-now';
import { idList, opaqueToPlanner } from '../sql/bulk-rows';
import { FIRST_ID } from '../sql/ids';
import { lockIntegration } from './integrations';

/**
 * Like `probeNow`; also for pushes that wait for their next attempt, and for what was given up in an outage.
 * The push queue makes them due. The caller has locked the integration, and then the mappings if it locks
 * them, and enqueues its pushes.
 */
export async function endWaits(work: TenantWork, { integrationId }: IntegrationKey): Promise<void> {
  const { trx, tenantId, now } = work;
  await probeNow(work, { integrationId });
  await trx
    .updateTable('integrations')
    .set({
      liftRetriesAfter: FIRST_ID,
      givenUpProbeAt: sql<Date | null>`case when given_up_probe_at > ${now} then ${now}::timestamptz
        else given_up_probe_at end`,
    })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
}

/**
 * After `endWaits`: makes the next pushes due that wait for their next attempt. Reads at most `limit` rows,
 * each once: a push that fails again meanwhile waits. @returns true if there may be more.
 */
export async function liftRetries(
  work: TenantWork,
  { integrationId, now, limit }: IntegrationKey & { now: Date; limit: number },
): Promise<boolean> {
  const { trx, tenantId } = work;
  const after = (await lockIntegration(work, { integrationId }))?.liftRetriesAfter ?? null;
  if (after === null) return false;
  const own = sql`tenant_id = ${opaqueToPlanner(tenantId)}
    and integration_id = ${opaqueToPlanner(integrationId)}`;
  const withStatus = (status: string) => sql`(select record_id from record_syncs
    where ${own} and status = ${sql.lit(status)} and record_id > ${after}::uuid
    order by record_id limit ${limit}::int)`;
  const { rows } = await sql<{ recordId: string }>`
    select record_id from (${withStatus('syncing')} union all ${withStatus('sync_failed')}) unfinished
    order by record_id limit ${limit}::int`.execute(trx);
  const isRetry = sql`${own} and record_id = any(${idList(rows.map(({ recordId }) => recordId))})
    and push_id is not null and lease_until is null and window_opened_at is null
    and next_attempt_at > ${now}`;
  await sql`
    update record_syncs set next_attempt_at = ${now}
    where ${own} and record_id = any(array(
      select record_id from record_syncs where ${isRetry} order by record_id for update))`.execute(trx);
  const isMore = rows.length === limit;
  await trx
    .updateTable('integrations')
    .set({ liftRetriesAfter: isMore ? (rows.at(-1)?.recordId ?? null) : null })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
  return isMore;
}
