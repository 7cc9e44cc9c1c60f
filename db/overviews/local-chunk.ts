/** What Syncline holds, chunk by chunk, for overviews, and which of it the pages have shown. */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { inIndexOrder } from '../sql/index-order';
import type { PagesOf, Part, SeenIds } from '../pull/comparison/seen-ids';
import type { OverviewJob } from './overview-jobs';
import type { LocalRecord } from './overview-pages';

/** The part of all ids that `seen` holds is compared. */
export interface LocalChunk extends Part {
  seen: SeenIds;
  limit: number;
}

/** Where to continue after a chunk: once the last part is compared, `comparedPart` is the number of parts. */
export function placeAfter(
  chunk: readonly { recordId: string }[],
  { part, limit }: Part & { limit: number },
): Pick<OverviewJob, 'comparedPart' | 'afterRecordId'> {
  const isPartDone = chunk.length < limit;
  return {
    comparedPart: isPartDone ? part + 1 : part,
    afterRecordId: isPartDone ? null : (chunk.at(-1)?.recordId ?? null),
  };
}

export const pagesOfOverview =
  ({ overviewId, recordType, direction }: OverviewJob): PagesOf =>
  (tenantId) =>
    sql`overview_pages page where page.tenant_id = ${opaqueToPlanner(tenantId)}
      and page.overview_id = ${opaqueToPlanner(overviewId)} and page.record_type = ${recordType}
      and page.direction = ${direction}`;

export interface SyncedRecord extends LocalRecord {
  hasRecordSync: boolean;
  /** A pull found it gone there, or it is being erased. */
  isAbsent: boolean;
  hasBeenSent: boolean;
  /** Hash of the payload that was sent last. */
  knownHash: string | null;
  remoteId: string | null;
  isDeactivated: boolean;
}

export async function readChunk(
  work: TenantWork,
  { recordType, afterRecordId: after }: OverviewJob,
  { integrationId, limit }: { integrationId: string; limit: number },
): Promise<SyncedRecord[]> {
  const tenant = opaqueToPlanner(work.tenantId);
  const integration = opaqueToPlanner(integrationId);
  const chunk = sql<SyncedRecord>`
    with chunk as materialized (
      select record_id, external_id, version, fields, deleted_at is not null as is_deleted from records
      where tenant_id = ${tenant} and record_type = ${recordType}
        and (${after}::uuid is null or record_id > ${after}::uuid)
      order by record_id limit ${limit})
    select chunk.*, record_sync.record_id is not null as has_record_sync,
      record_sync.absent_since is not null and link.remote_id is null
        or record_sync.erase_as is not null as is_absent,
      link.remote_id, coalesce(link.is_deactivated, false) as is_deactivated,
      coalesce(record_sync.result_status is not null or record_sync.push_id is not null
        or record_sync.unresolved_push_id is not null, false) as has_been_sent,
      case when record_sync.push_id is null then record_sync.result_hash else record_sync.push_hash end as known_hash
    from chunk
    left join lateral (
      select * from record_syncs
      where tenant_id = ${tenant} and integration_id = ${integration} and record_id = chunk.record_id limit 1) record_sync
      on true
    left join lateral (
      select remote_id, is_deactivated from record_links
      where tenant_id = ${tenant} and integration_id = ${integration} and record_id = chunk.record_id limit 1) link
      on true
    order by chunk.record_id`;
  return (await inIndexOrder(work, () => chunk.execute(work.trx))).rows;
}
