/**
 * Changes that a sync run made to records and errors of records it skipped: the details of the Sync Log, in
 * reading order.
 */
import { type Selectable, sql } from 'kysely';
import type { TenantWork } from '../database';
import { opaqueToPlanner } from '../sql/bulk-rows';
import type { SyncRecordErrorsTable } from '../tables/pull';

export interface SyncRunChange {
  recordType: string;
  page: number;
  /** Within the page. */
  position: number;
  kind: 'created' | 'updated' | 'deleted';
  recordId: string;
  externalId: string;
  /** Names of the fields that an update changed. */
  fields: string[];
  /** It had been deleted and is back. */
  wasDeleted: boolean;
  at: Date;
}
export type ChangePosition = Pick<SyncRunChange, 'recordType' | 'page' | 'position'>;

export interface ChangeFilter {
  syncRunId: string;
  recordType?: string | undefined;
  kind?: SyncRunChange['kind'] | undefined;
}

/** By record type and page, after `after`. A page without changes is one row. */
export async function listSyncRunChanges(
  { trx, tenantId }: TenantWork,
  {
    syncRunId,
    recordType,
    kind,
    limit,
    after,
  }: ChangeFilter & { limit: number; after?: ChangePosition | undefined },
): Promise<SyncRunChange[]> {
  const { rows } = await sql<SyncRunChange>`
    with listed as materialized (
      select page.record_type, page.page, change.position, change.kind, change.record_id, change.fields, change.was_deleted, page.at
      from sync_pages page
      cross join lateral (
        select place as position, 'created' as kind, record_id, '[]'::jsonb as fields, false as was_deleted
        from unnest(page.created) with ordinality as created(record_id, place)
        union all
        select cardinality(page.created) + place, 'updated', (item ->> 'record_id')::uuid, item -> 'fields', coalesce((item ->> 'was_deleted')::boolean, false)
        from jsonb_array_elements(page.changed) with ordinality as changed(item, place)
        union all
        select cardinality(page.created) + jsonb_array_length(page.changed) + place, 'deleted', record_id, '[]'::jsonb, false
        from unnest(page.deleted) with ordinality as deleted(record_id, place)) change
      where page.tenant_id = ${tenantId}::uuid and page.sync_run_id = ${syncRunId}::uuid
        ${recordType === undefined ? sql`` : sql`and page.record_type = ${recordType}`}
        ${kind === undefined ? sql`` : sql`and change.kind = ${kind}`}
        ${
          after === undefined
            ? sql``
            : sql`and (page.record_type, page.page) >= (${after.recordType}, ${after.page})
                  and (page.record_type, page.page, change.position) > (${after.recordType}, ${after.page}, ${after.position})`
        }
      order by page.record_type, page.page, change.position
      limit ${limit})
    select listed.*, record.external_id
    from listed
    cross join lateral (
      select external_id from records where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = listed.record_id limit 1) record
    order by listed.record_type, listed.page, listed.position`.execute(trx);
  return rows;
}

export type SyncRecordError = Omit<Selectable<SyncRecordErrorsTable>, 'tenantId' | 'syncRunId'>;

/** In reading order, after `after`. The first thousand of each job are kept. */
export async function listSyncRecordErrors(
  { trx, tenantId }: TenantWork,
  {
    syncRunId,
    recordType,
    limit,
    after,
  }: { syncRunId: string; recordType?: string | undefined; limit: number; after?: string | undefined },
): Promise<SyncRecordError[]> {
  let query = trx
    .selectFrom('syncRecordErrors')
    .select(['syncRecordErrorId', 'recordType', 'remoteId', 'code', 'message', 'at'])
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', syncRunId);
  if (recordType !== undefined) query = query.where('recordType', '=', recordType);
  if (after !== undefined) query = query.where('syncRecordErrorId', '>', after);
  return query.orderBy('syncRecordErrorId').limit(limit).execute();
}
