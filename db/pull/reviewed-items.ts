/**
 * The items of an overview that no page settles: reviewed deletions, and whatever is left when the list was
 * read (rules.md 21).
 */
import { sql } from 'kysely';
import type { OverviewAction } from '../../domain/overviews/overview';
import type { SyncDirection } from '../../domain/records/mapping-directions';
import type { TenantWork } from '../database';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { inIndexOrder } from '../sql/index-order';
import { FIRST_ID } from '../sql/ids';
import { withOpenConflict } from './edited-and-missing';
import { type JobKey, lockSyncJob, type SyncJob } from './job-rows';
import type { PassKey, RecordError } from './page';
import { driftedError, type ReviewedDataset } from './page-stages/select-reviewed';
import { addRecordErrors } from './record-errors';

/**
 * Of the missing records, those whose deletion was reviewed and that are as they were then, without a change
 * that waits for a decision.
 */
export async function selectReviewedDeletions(
  { trx, tenantId }: TenantWork,
  {
    overviewId,
    integrationId,
    recordType,
    linkedBefore,
  }: ReviewedDataset & Pick<PassKey, 'integrationId'> & { linkedBefore: Date | null },
  recordIds: readonly string[],
): Promise<string[]> {
  const { rows } = await sql<{ recordId: string }>`
    select missing.record_id from unnest(${[...recordIds]}::uuid[]) as missing(record_id)
    cross join lateral (
      select base_version from (
        -- Without the offset, all items of the kind may be searched for the record.
        select * from overview_items
        where tenant_id = ${opaqueToPlanner(tenantId)} and overview_id = ${opaqueToPlanner(overviewId)}
          and record_id = missing.record_id offset 0) item
      where record_type = ${recordType} and direction = 'pull' and action = 'delete' and outcome is null
      limit 1) reviewed_item
    cross join lateral (
      select version from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = missing.record_id limit 1) record
    cross join lateral (
      select from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = missing.record_id and updated_at < ${linkedBefore} limit 1) link
    where record.version = reviewed_item.base_version
      and missing.record_id <> all (${withOpenConflict(tenantId, integrationId, recordIds)})`.execute(trx);
  return rows.map(({ recordId }) => recordId);
}

export async function markDeletionsApplied(
  { trx, tenantId }: TenantWork,
  { overviewId, recordType }: ReviewedDataset,
  recordIds: readonly string[],
): Promise<void> {
  await sql`
    update overview_items set outcome = 'applied'
    where tenant_id = ${opaqueToPlanner(tenantId)} and overview_id = ${opaqueToPlanner(overviewId)}
      and record_type = ${recordType}
      and record_id = any(${[...recordIds]}::uuid[]) and direction = 'pull' and action = 'delete'
      and outcome is null`.execute(trx);
}

type Dataset = ReviewedDataset & { direction: SyncDirection };

interface OpenItem {
  action: OverviewAction;
  overviewItemId: string;
  remoteId: string | null;
  externalId: string | null;
  isOpen: boolean;
  /** The record has the reviewed values, from the reviewed state of the remote record. */
  isApplied: boolean;
}

/**
 * Skips the next reviewed items of a dataset that the pass did not find in their reviewed state. What another
 * run has applied before this one is no drift.
 * @returns how many items it read; fewer than `limit` = no more are left.
 */
export function skipDriftedItems(
  work: TenantWork,
  pass: PassKey,
  { overviewId, limit }: { overviewId: string; limit: number },
): Promise<number> {
  const { integrationId, recordType } = pass;
  const dataset: Dataset = { overviewId, recordType, direction: 'pull' };
  return settleItems(work, pass, dataset, {
    limit,
    appliedTo: integrationId,
    toError: ({ remoteId }) => driftedError(remoteId),
  });
}

/** As `skipDriftedItems`, for a record type that the mapping no longer syncs in that direction. */
export function skipUnmappedItems(
  work: TenantWork,
  job: JobKey,
  { limit, ...dataset }: Dataset & { limit: number },
): Promise<number> {
  const isPull = dataset.direction === 'pull';
  const message = `The mapping no longer ${isPull ? 'pulls' : 'pushes'} ${dataset.recordType}.`;
  return settleItems(work, job, dataset, {
    limit,
    appliedTo: null,
    toError: ({ remoteId, externalId }) => ({
      remoteId: isPull ? remoteId : externalId,
      code: 'not_mapped',
      message,
    }),
  });
}

/** The outcomes, the job's errors and its place in the list are one transaction (rules.md 60). */
async function settleItems(
  work: TenantWork,
  key: JobKey,
  dataset: Dataset,
  options: { limit: number; appliedTo: string | null; toError(item: OpenItem): RecordError },
): Promise<number> {
  const { trx, tenantId } = work;
  const job = await lockSyncJob(work, key);
  if (job === undefined || job.finishedAt !== null) return 0;
  const items = await readItems(work, dataset, { ...options, job });
  const last = items.at(-1);
  if (last === undefined) return 0;
  const open = items.filter(({ isOpen, action }) => isOpen && action !== 'not_possible');
  const skipped = open.filter(({ isApplied }) => !isApplied);
  await sql`
    update overview_items set outcome = case when overview_item_id = any(${idsOf(skipped)}::uuid[])
      then 'skipped' else 'applied' end
    where tenant_id = ${opaqueToPlanner(tenantId)} and overview_id = ${opaqueToPlanner(dataset.overviewId)}
      and overview_item_id = any(${idsOf(open)}::uuid[])`.execute(trx);
  await addRecordErrors(
    work,
    key,
    { errors: skipped.map(options.toError), count: skipped.length },
    'recordsSkipped',
  );
  await trx
    .updateTable('syncJobs')
    .set({ itemsSettledAction: last.action, itemsSettledTo: last.overviewItemId })
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', key.syncRunId)
    .where('recordType', '=', key.recordType)
    .execute();
  return items.length;
}

const idsOf = (items: readonly OpenItem[]): string[] => items.map(({ overviewItemId }) => overviewItemId);

async function readItems(
  work: TenantWork,
  { overviewId, recordType, direction }: Dataset,
  { job, limit, appliedTo }: { job: SyncJob; limit: number; appliedTo: string | null },
): Promise<OpenItem[]> {
  const tenant = opaqueToPlanner(work.tenantId);
  const items = sql<OpenItem>`
    select item.action, item.overview_item_id, item.remote_id, item.external_id, item.outcome is null as is_open,
      case when item.action = 'delete' then coalesce(record.is_deleted, false)
        else coalesce(linked.is_applied, false) end as is_applied
    from (
      select * from overview_items
      where tenant_id = ${tenant} and overview_id = ${opaqueToPlanner(overviewId)}
        and direction = ${direction} and record_type = ${recordType}
        and (action, overview_item_id) >
          (${job.itemsSettledAction ?? ''}::text, ${job.itemsSettledTo ?? FIRST_ID}::uuid)
      order by action, overview_item_id limit ${limit}) item
    left join lateral (
      select deleted_at is not null as is_deleted from records
      where ${appliedTo !== null}::boolean and item.outcome is null and item.action = 'delete'
        and tenant_id = ${tenant} and record_id = item.record_id limit 1) record on true
    left join lateral (
      select record.deleted_at is null and record.fields @> coalesce(item.after, '{}') as is_applied
      from record_links link
      join records record on record.tenant_id = ${tenant} and record.record_id = link.record_id
      where item.outcome is null and item.action in ('create', 'update')
        and link.remote_key =
          hashtextextended(${`${appliedTo ?? ''} ${recordType} `}::text || item.remote_id, 0)
        and link.tenant_id = ${tenant} and link.integration_id = ${appliedTo}::uuid
        and link.remote_id = item.remote_id and link.remote_hash = item.remote_hash limit 1) linked on true
    order by item.action, item.overview_item_id`;
  return (await inIndexOrder(work, () => items.execute(work.trx))).rows;
}
