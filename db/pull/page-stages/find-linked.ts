/** Finds the local records that remote ids are linked to. */
import { sql } from 'kysely';
import type { TenantWork } from '../../database';
import { opaqueToPlanner, rowsFrom } from '../../sql/bulk-rows';
import type { LinkedRecord, PassKey } from '../page';

export interface FoundLinks {
  /** Ids of linked records whose stored hash equals the given one. */
  unchanged: readonly string[];
  /** The other linked records, by remote id. */
  linked: ReadonlyMap<string, LinkedRecord>;
  /** Remote ids without a link. */
  unlinked: ReadonlySet<string>;
}

/** `hash`: null = the record counts as changed. */
export async function findLinked(
  { trx, tenantId }: TenantWork,
  { integrationId, recordType }: Omit<PassKey, 'syncRunId'>,
  remoteRecords: readonly { remoteId: string; hash: string | null }[],
): Promise<FoundLinks> {
  if (remoteRecords.length === 0) return toFoundLinks([]);
  const wanted = remoteRecords.map(({ remoteId, hash }) => ({ remote_id: remoteId, hash }));
  const keyPrefix = `${integrationId} ${recordType} `;
  const { rows } = await sql<LinkRow | UnchangedRow>`
    with found as (
      select row.remote_id, link.record_id, link.remote_hash, link.linked_at,
        link.remote_hash is not distinct from row.hash and row.hash is not null as is_unchanged
      from ${rowsFrom(wanted, 'remote_id text, hash text')}
      left join lateral (
        select record_id, remote_id, remote_hash, updated_at as linked_at from record_links
        where remote_key = hashtextextended(${keyPrefix}::text || row.remote_id, 0)
          and tenant_id = ${opaqueToPlanner(tenantId)} limit 1) link
        on link.remote_id = row.remote_id)
    select remote_id, record_id, remote_hash, linked_at, null as record_ids from found where not is_unchanged
    union all
    select null, null, null, null, string_agg(record_id::text, ',') from found
    where is_unchanged having count(*) > 0`.execute(trx);
  return toFoundLinks(rows);
}

type LinkRow = (LinkedRecord | { recordId: null }) & { remoteId: string };
/** The ids of all unchanged records as one text, which is cheaper to decode than a row each. */
interface UnchangedRow {
  remoteId: null;
  recordIds: string;
}

function toFoundLinks(rows: readonly (LinkRow | UnchangedRow)[]): FoundLinks {
  let unchanged: string[] = [];
  const unlinked = new Set<string>();
  const linked = new Map<string, LinkedRecord>();
  for (const row of rows) {
    if (row.remoteId === null) unchanged = row.recordIds.split(',');
    else if (row.recordId === null) unlinked.add(row.remoteId);
    else {
      const { remoteId, ...record } = row;
      linked.set(remoteId, record);
    }
  }
  return { unchanged, linked, unlinked };
}
