/** What a pass notes about itself besides its pages. */
import { sql } from 'kysely';
import type { TenantWork } from './database';
import { unseen } from './rows';
import type { PassPlace } from './sync-deletions';

/**
 * True where people have canceled the run, or paused or deleted the integration, or where another job met what holds all of them back:
 * what is in flight is written, nothing more is begun.
 */
export async function isInterrupted({ trx, tenantId, now }: TenantWork, { integrationId, syncRunId }: Omit<PassPlace, 'recordType'>): Promise<boolean> {
  const { rows } = await sql<{ isInterrupted: boolean }>`
    select run.cancel_requested_at is not null or integration.paused_at is not null or integration.deleted_at is not null
      or coalesce(integration.blocked_until > ${now}, false) or integration.needs_reauthorization_at is not null as is_interrupted
    from sync_runs run cross join integrations integration
    where run.tenant_id = ${unseen(tenantId)} and run.sync_run_id = ${syncRunId} and integration.tenant_id = ${unseen(tenantId)} and integration.integration_id = ${integrationId}`.execute(
    trx,
  );
  return rows[0]?.isInterrupted ?? true;
}

/** True where a record was on two pages of this pass: the list has moved while it was read. */
export async function hasSeenTwice({ trx, tenantId }: TenantWork, { syncRunId, recordType }: PassPlace): Promise<boolean> {
  const { rows } = await sql<{ hasTwice: boolean }>`
    select count(*) > count(distinct seen.record_id) as has_twice
    from sync_pages page cross join lateral unnest(page.seen) as seen(record_id)
    where page.tenant_id = ${unseen(tenantId)} and page.sync_run_id = ${unseen(syncRunId)} and page.record_type = ${recordType}`.execute(trx);
  return rows[0]?.hasTwice ?? false;
}

/** Why missing records are not deleted though everything was read. */
export async function noteDeletesWithheld(
  { trx, tenantId, now }: TenantWork,
  { syncRunId, recordType }: PassPlace,
  because: 'list_changed' | 'needs_review',
): Promise<void> {
  await trx
    .updateTable('syncJobs')
    .set({ deletesWithheld: because, updatedAt: now })
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', syncRunId)
    .where('recordType', '=', recordType)
    .execute();
}
