/** Changes of records that do not raise the version by which an overview recognizes them (rules.md 21). */
import { sql } from 'kysely';
import type { RecordDraft } from '../../domain/records/record-draft';
import type { TenantWork } from '../database';
import { opaqueToPlanner } from '../sql/bulk-rows';

/**
 * Withdraws the reviewed items of records that changed without a new version: a late PATCH leaves the
 * version of its caller (rules.md 55). A Sync Now then lists them as changed since the review.
 */
export async function withdrawReviewedItems(
  { trx, tenantId }: TenantWork,
  drafts: readonly RecordDraft[],
): Promise<void> {
  const recordIds = drafts
    .filter(({ before, after, isTouched }) => isTouched && before?.version === after.version)
    .map(({ recordId }) => recordId);
  if (recordIds.length === 0) return;
  // A Sync Now without an overview owns its items itself.
  await sql`
    update overview_items item set base_version = null
    from (
      select overview_id as owner_id from overviews where tenant_id = ${tenantId} and data_deleted_at is null
      union all
      select sync_run_id from sync_runs
      where tenant_id = ${tenantId} and state in ('queued', 'running', 'waiting')) owner
    where item.tenant_id = ${opaqueToPlanner(tenantId)} and item.overview_id = owner.owner_id
      and item.record_id = any(${recordIds}::uuid[]) and item.outcome is null`.execute(trx);
}
