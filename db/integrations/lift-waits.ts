/**
 * What a person does on purpose ends the waits of an integration at once: new credentials, another
 * configuration, resuming it, a successful check, "Push now" or "Retry now". The next push is sent alone, and
 * its answer decides whether the integration waits again (rules.md 11, 34).
 */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { type IntegrationKey, probeNow } from '../records/probe-now';
import { opaqueToPlanner } from '../sql/bulk-rows';

/** The earliest pushes of each kind that a request makes due. The others are sent at their own time. */
const DUE_MAX = 200;

/**
 * Like `probeNow`; also for pushes that wait for their next attempt, and for what was given up in an outage.
 * The caller has locked the integration, and then the mappings if it locks them.
 */
export async function endWaits(work: TenantWork, { integrationId }: IntegrationKey): Promise<void> {
  const { trx, tenantId, now } = work;
  await probeNow(work, { integrationId });
  await trx
    .updateTable('integrations')
    .set({ givenUpProbeAt: now })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('givenUpProbeAt', '>', now)
    .execute();
  const own = sql`tenant_id = ${opaqueToPlanner(tenantId)}
    and integration_id = ${opaqueToPlanner(integrationId)}`;
  const earliest = (isBackfill: boolean) => sql`(select record_id from record_syncs
    where ${own} and is_backfill = ${sql.lit(isBackfill)} and next_due_at > ${now}
    order by next_due_at limit ${DUE_MAX}::int)`;
  const waiting = sql`select record_id from record_syncs
    where ${own} and record_id = any(array(${earliest(false)} union all ${earliest(true)}))
      and push_id is not null and lease_until is null and window_opened_at is null
    for update skip locked`;
  await sql`
    update record_syncs set next_attempt_at = ${now}
    where ${own} and record_id = any(array(${waiting}))`.execute(trx);
}
