/** Reads local records with what is known of their pushes, chunk by chunk, for overviews. */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { opaqueToPlanner } from '../sql/bulk-rows';
import type { OverviewJob } from './overview-jobs';
import type { LocalRecord } from './overview-pages';

export interface SyncedRecord extends LocalRecord {
  hasRecordSync: boolean;
  /** A pull found it gone there. */
  isAbsent: boolean;
  hasBeenSent: boolean;
  /** Hash of the payload that was sent last. */
  knownHash: string | null;
  remoteId: string | null;
  isDeactivated: boolean;
  /** A page of remote records showed it. */
  isSeen: boolean;
}

export async function readChunk(
  { trx, tenantId }: TenantWork,
  { overviewId, recordType, direction, afterRecordId: after }: OverviewJob,
  { integrationId, limit }: { integrationId: string; limit: number },
): Promise<SyncedRecord[]> {
  const tenant = opaqueToPlanner(tenantId);
  const integration = opaqueToPlanner(integrationId);
  const { rows } = await sql<SyncedRecord>`
    with chunk as materialized (
      select record_id, external_id, version, fields, deleted_at is not null as is_deleted from records
      where tenant_id = ${tenant} and record_type = ${recordType}
        and (${after}::uuid is null or record_id > ${after}::uuid)
      order by record_id limit ${limit}),
    seen as materialized (
      select unnest(seen) as record_id from overview_pages
      where tenant_id = ${tenantId} and overview_id = ${overviewId} and record_type = ${recordType}
        and direction = ${direction})
    select chunk.*, record_sync.record_id is not null as has_record_sync,
      record_sync.absent_since is not null and link.remote_id is null as is_absent,
      link.remote_id, coalesce(link.is_deactivated, false) as is_deactivated,
      coalesce(record_sync.result_status is not null or record_sync.push_id is not null
        or record_sync.unresolved_push_id is not null, false) as has_been_sent,
      case when record_sync.push_id is null then record_sync.result_hash else record_sync.push_hash end as known_hash,
      exists (select from seen where seen.record_id = chunk.record_id) as is_seen
    from chunk
    left join lateral (
      select * from record_syncs
      where tenant_id = ${tenant} and integration_id = ${integration} and record_id = chunk.record_id limit 1) record_sync
      on true
    left join lateral (
      select remote_id, is_deactivated from record_links
      where tenant_id = ${tenant} and integration_id = ${integration} and record_id = chunk.record_id limit 1) link
      on true
    order by chunk.record_id`.execute(trx);
  return rows;
}
