/** Our ids of records that a third party names by its own (docs/decisions/0033). */
import { sql } from 'kysely';
import { referredKey, type ReferredRecord } from '../../../domain/records/references';
import type { TenantWork } from '../../database';
import { opaqueToPlanner, rowsFrom } from '../../sql/bulk-rows';

/** By `referredKey` of the third party's id. Those that no record here is linked to are not in the result. */
export async function findOurIds(
  { trx, tenantId }: TenantWork,
  integrationId: string,
  wanted: readonly ReferredRecord[],
): Promise<ReadonlyMap<string, string>> {
  const distinct = distinctOf(wanted);
  if (distinct.length === 0) return new Map();
  const rows = distinct.map(({ recordType, id }, position) => ({
    position,
    remote_id: id,
    key: `${integrationId} ${recordType} ${id}`,
  }));
  const { rows: found } = await sql<{ position: number; externalId: string }>`
    select row.position, record.external_id
    from ${rowsFrom(rows, 'position int, remote_id text, key text')}
    cross join lateral (
      select record_id, remote_id from record_links
      where remote_key = hashtextextended(row.key, 0) and tenant_id = ${opaqueToPlanner(tenantId)} limit 2) link
    cross join lateral (
      select external_id from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = link.record_id limit 1) record
    where link.remote_id = row.remote_id`.execute(trx);
  return new Map(
    found.map(({ position, externalId }) => [referredKey(distinct[position] as ReferredRecord), externalId]),
  );
}

export function distinctOf(wanted: readonly ReferredRecord[]): ReferredRecord[] {
  return [...new Map(wanted.map((one) => [referredKey(one), one])).values()];
}
