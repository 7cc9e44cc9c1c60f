/**
 * What the home page of the console counts: records by sync status, and how fresh each integration is.
 * Every query reads a bounded number of index entries, however many records the tenant has.
 */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { isOfExistingIntegration } from '../platform/background-tasks';
import { opaqueToPlanner } from '../sql/bulk-rows';
import type { RecordSyncStatus } from '../tables/records';

/** So many record syncs of each status are read at most; a count beyond is a lower bound. */
export const COUNTED_MAX = 1_000;

export type OpenStatus = Exclude<RecordSyncStatus, 'synced'>;

export interface StatusCount {
  recordType: string;
  /** Records that are not deleted and have this status at one integration or more. */
  records: number;
  /** True if there may be more: not all record syncs of this status were read. */
  isLowerBound: boolean;
}

/** By record type. The partial index of record syncs that are not synced answers it. */
export async function countRecordsByType(
  { trx, tenantId }: TenantWork,
  { status }: { status: OpenStatus },
): Promise<StatusCount[]> {
  const { rows } = await sql<StatusCount>`
    with found as materialized (
      select record_id from record_syncs
      where tenant_id = ${opaqueToPlanner(tenantId)} and status = ${status} and status <> 'synced'
        and ${isOfExistingIntegration(tenantId, 'integration_id')}
      limit ${COUNTED_MAX + 1})
    select record.record_type, count(*)::integer as records,
      (select count(*) from found) > ${COUNTED_MAX} as is_lower_bound
    from (select distinct record_id from found) counted
    cross join lateral (
      select record_type from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = counted.record_id and deleted_at is null
      limit 1) record
    group by record.record_type
    order by record.record_type`.execute(trx);
  return rows;
}

export interface Freshness {
  integrationId: string;
  /** When all its datasets had been read successfully: the oldest of them; null = one never was. */
  lastSucceededAt: Date | null;
  /** Of the newest entry in the Sync Status log; null = unknown, or no entry. */
  difference: number | null;
}

/** Of every integration that is not deleted, in the order they were linked. */
export async function listFreshness(
  { trx, tenantId }: TenantWork,
  { limit }: { limit: number },
): Promise<Freshness[]> {
  const { rows } = await sql<Freshness>`
    select integration.integration_id, dataset.last_succeeded_at, sync_status.total_difference as difference
    from integrations integration
    left join lateral (
      select case when bool_and(last_succeeded_at is not null) then min(last_succeeded_at) end as last_succeeded_at
      from sync_datasets
      where tenant_id = integration.tenant_id and integration_id = integration.integration_id
        and initial_state is distinct from 'not_supported'
        and integration.record_types -> record_type ->> 'direction' <> 'push') dataset on true
    left join lateral (
      select total_difference from sync_statuses
      where tenant_id = integration.tenant_id and integration_id = integration.integration_id
      order by sync_status_id desc limit 1) sync_status on true
    where integration.tenant_id = ${tenantId} and integration.deleted_at is null
    order by integration.integration_id
    limit ${limit}`.execute(trx);
  return rows;
}

/** Deletion reviews that wait for a decision: at most one per integration and record type. */
export async function countPendingReviews({ trx, tenantId }: TenantWork): Promise<number> {
  const { count } = await trx
    .selectFrom('deletionReviews')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('tenantId', '=', tenantId)
    .where('state', '=', 'pending')
    .executeTakeFirstOrThrow();
  return Number(count);
}
