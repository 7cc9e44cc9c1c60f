/** The last step of an erasure: deletes the records themselves, and lowers the counts of records. */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { lockMappings } from '../records/mapping-lock';
import { storeHashes } from './block-records';
import type { ErasureKey } from './erasure-items';

/** Tables whose rows are found by the record. The rest was deleted before. */
const BY_RECORD = ['record_changes', 'pushes', 'record_syncs'] as const;

/** @returns how many rows were deleted, by table. */
export async function removeRecords(
  work: TenantWork,
  erasure: ErasureKey,
  recordIds: readonly string[],
): Promise<Record<string, number>> {
  const { trx, tenantId } = work;
  const ids = [...recordIds];
  await lockMappings(work, 'alone');
  await storeHashes(work, erasure, ids); // a push that was under way may have created a link
  const removed: Record<string, number> = {};
  for (const table of BY_RECORD) {
    const { numAffectedRows } = await sql`delete from ${sql.table(table)}
      where tenant_id = ${tenantId} and record_id = any(${ids}::uuid[])`.execute(trx);
    removed[table] = Number(numAffectedRows);
  }
  const links = await sql`delete from record_links link using integrations integration
    where integration.tenant_id = ${tenantId} and link.tenant_id = ${tenantId}
      and link.integration_id = integration.integration_id
      and link.record_id = any(${ids}::uuid[])`.execute(trx);
  removed.record_links = Number(links.numAffectedRows);
  const { rows } = await sql<{ recordType: string }>`
    delete from records where tenant_id = ${tenantId} and record_id = any(${ids}::uuid[])
    returning record_type`.execute(trx);
  removed.records = rows.length;
  await sql`delete from erasure_items where tenant_id = ${tenantId} and erasure_id = ${erasure.erasureId}
    and record_id = any(${ids}::uuid[])`.execute(trx);
  await lowerCounts(
    work,
    rows.map(({ recordType }) => recordType),
  );
  return removed;
}

/** The last step, because it locks the row of the counter. The count is the sum of its shards. */
async function lowerCounts({ trx, tenantId }: TenantWork, recordTypes: readonly string[]): Promise<void> {
  for (const recordType of [...new Set(recordTypes)].toSorted()) {
    const removed = recordTypes.filter((one) => one === recordType).length;
    await sql`
      update record_counts set records = records - ${removed}
      where tenant_id = ${tenantId} and record_type = ${recordType} and shard = (
        select min(shard) from record_counts
        where tenant_id = ${tenantId} and record_type = ${recordType})`.execute(trx);
  }
}
