/**
 * The items of an overview that no page settles: reviewed deletions, and whatever is left when the list was
 * read (rules.md 21).
 */
import { sql } from 'kysely';
import type { SyncDirection } from '../../domain/records/mapping-directions';
import type { TenantWork } from '../database';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { openConflictOf } from './edited-and-missing';
import type { PassKey, RecordError } from './page';
import { driftedError, type ReviewedDataset } from './page-stages/select-reviewed';

/** Errors that are kept per dataset; `count` includes the others. */
const ERRORS_MAX = 1_000;

/**
 * Of the missing records, those whose deletion was reviewed and that are as they were then, without a change
 * that waits for a decision.
 */
export async function selectReviewedDeletions(
  { trx, tenantId }: TenantWork,
  {
    overviewId,
    integrationId,
    syncRunId,
    recordType,
    startedAt,
    limit,
  }: ReviewedDataset & PassKey & { startedAt: Date | null; limit: number },
): Promise<string[]> {
  const { rows } = await sql<{ recordId: string }>`
    select missing.record_id from missing_records missing
    cross join lateral (
      select base_version from overview_items
      where tenant_id = ${opaqueToPlanner(tenantId)} and overview_id = ${opaqueToPlanner(overviewId)}
        and record_id = missing.record_id and record_type = ${recordType} and direction = 'pull'
        and action = 'delete' and outcome is null limit 1) reviewed_item
    cross join lateral (
      select version from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = missing.record_id) record
    cross join lateral (
      select from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = missing.record_id and updated_at < ${startedAt}) link
    where missing.tenant_id = ${opaqueToPlanner(tenantId)} and missing.sync_run_id = ${syncRunId}
      and missing.record_type = ${recordType} and record.version = reviewed_item.base_version
      and not exists (${openConflictOf(tenantId, integrationId, sql`missing.record_id`)})
    limit ${limit}`.execute(trx);
  return rows.map(({ recordId }) => recordId);
}

export async function markDeletionsApplied(
  { trx, tenantId }: TenantWork,
  { overviewId, recordType }: ReviewedDataset,
  recordIds: readonly string[],
): Promise<void> {
  await sql`
    update overview_items set outcome = 'applied'
    where tenant_id = ${tenantId} and overview_id = ${overviewId} and record_type = ${recordType}
      and record_id = any(${[...recordIds]}::uuid[]) and direction = 'pull' and action = 'delete'
      and outcome is null`.execute(trx);
}

export interface SkippedItems {
  errors: RecordError[];
  count: number;
}

/** Skips the reviewed items of a dataset that the pass did not find in their reviewed state. */
export async function skipDriftedItems(
  work: TenantWork,
  reviewed: ReviewedDataset & { integrationId: string },
): Promise<SkippedItems> {
  await markAppliedByOthers(work, reviewed);
  const skipped = await skipItems(work, { ...reviewed, direction: 'pull' });
  const errors = skipped.slice(0, ERRORS_MAX).map(({ remoteId }) => driftedError(remoteId));
  return { errors, count: skipped.length };
}

/**
 * Another run may have applied an item before this one: the record has the reviewed values, from the reviewed
 * state of the remote record. That is no drift.
 */
async function markAppliedByOthers(
  { trx, tenantId }: TenantWork,
  { overviewId, recordType, integrationId }: ReviewedDataset & { integrationId: string },
): Promise<void> {
  const keyPrefix = `${integrationId} ${recordType} `;
  const items = sql`item.tenant_id = ${tenantId} and item.overview_id = ${overviewId}
    and item.record_type = ${recordType} and item.direction = 'pull' and item.outcome is null`;
  await sql`
    update overview_items item set outcome = 'applied'
    from record_links link
    join records record on record.tenant_id = link.tenant_id and record.record_id = link.record_id
    where ${items} and item.action in ('create', 'update')
      and link.remote_key = hashtextextended(${keyPrefix}::text || item.remote_id, 0)
      and link.tenant_id = ${tenantId} and link.remote_id = item.remote_id
      and link.remote_hash = item.remote_hash and record.deleted_at is null
      and record.fields @> coalesce(item.after, '{}')`.execute(trx);
  await sql`
    update overview_items item set outcome = 'applied'
    from records record
    where ${items} and item.action = 'delete'
      and record.tenant_id = ${tenantId} and record.record_id = item.record_id
      and record.deleted_at is not null`.execute(trx);
}

/** Skips all reviewed items of a record type that the mapping no longer syncs in that direction. */
export async function skipUnmappedItems(
  work: TenantWork,
  dataset: ReviewedDataset & { direction: SyncDirection },
): Promise<SkippedItems> {
  const skipped = await skipItems(work, dataset);
  const message = `The mapping no longer ${dataset.direction === 'pull' ? 'pulls' : 'pushes'} ${dataset.recordType}.`;
  const errors = skipped.slice(0, ERRORS_MAX).map(({ remoteId, externalId }) => ({
    remoteId: dataset.direction === 'pull' ? remoteId : externalId,
    code: 'not_mapped',
    message,
  }));
  return { errors, count: skipped.length };
}

async function skipItems(
  { trx, tenantId }: TenantWork,
  { overviewId, recordType, direction }: ReviewedDataset & { direction: SyncDirection },
): Promise<{ remoteId: string | null; externalId: string | null }[]> {
  const { rows } = await sql<{ remoteId: string | null; externalId: string | null }>`
    update overview_items set outcome = 'skipped'
    where tenant_id = ${tenantId} and overview_id = ${overviewId} and record_type = ${recordType}
      and direction = ${direction} and action <> 'not_possible' and outcome is null
    returning remote_id, external_id`.execute(trx);
  return rows;
}
