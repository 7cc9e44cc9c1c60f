/**
 * Heals the counts of records (record-counts.ts). A count that missed something once would be wrong for ever:
 * of records that a version without counts stored during an upgrade, or of a mistake of ours.
 *
 * Who creates or erases records changes the count in the same transaction. In every snapshot the records of a
 * type and its count therefore differ by what was missed, and by nothing that is under way. The difference is
 * added to a shard that nothing else changes, in the transaction of the snapshot: it starts again if another
 * recount has changed that shard meanwhile.
 */
import { sql } from 'kysely';
import type { Commit, TenantWork, Work } from '../database';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { readInOrder } from '../sql/index-order';
import { CORRECTIONS, readCount } from './record-counts';

const RECORDS_PER_STATEMENT = 50_000;

export const IN_A_SNAPSHOT: Commit = { waitsForDisk: true, isSnapshot: true };

/** In the order of their ids. Needs the dispatcher's role. */
export async function findTenantsToRecount(
  { trx }: Work,
  { countedBefore, after, limit }: { countedBefore: Date; after: string; limit: number },
): Promise<string[]> {
  const { rows } = await sql<{ tenantId: string }>`
    select tenant_id from tenants
    where tenant_id > ${after}::uuid
      and (records_counted_at is null or records_counted_at < ${countedBefore}::timestamptz)
    order by tenant_id limit ${limit}`.execute(trx);
  return rows.map(({ tenantId }) => tenantId);
}

/** The next type that has records or a count. */
export async function findNextRecordType(
  { trx, tenantId }: TenantWork,
  { after }: { after: string },
): Promise<string | undefined> {
  const next = (table: string) => sql`(select record_type from ${sql.table(table)}
    where tenant_id = ${opaqueToPlanner(tenantId)} and record_type > ${after} order by record_type limit 1)`;
  const { rows } = await sql<{ recordType: string | null }>`
    select min(record_type) as record_type
    from (${next('records')} union all ${next('record_counts')}) type`.execute(trx);
  return rows[0]?.recordType ?? undefined;
}

export interface Recount {
  /** The records of the type. */
  records: number;
  /** What the count was. */
  counted: number;
}

/**
 * Needs `IN_A_SNAPSHOT`. @param mayContinue is asked between statements.
 * @returns undefined if it was stopped; the count is then as it was.
 */
export async function recountType(
  work: TenantWork,
  {
    recordType,
    mayContinue,
    limit = RECORDS_PER_STATEMENT,
  }: { recordType: string; mayContinue: () => Promise<boolean>; limit?: number },
): Promise<Recount | undefined> {
  await readInOrder(work);
  let records = 0;
  let after: string | null = null;
  do {
    if (!(await mayContinue())) return undefined;
    const chunk: Chunk = await countChunk(work, { recordType, after, limit });
    records += chunk.records;
    after = chunk.records < limit ? null : chunk.last;
  } while (after !== null);
  const counted = await readCount(work, recordType);
  if (records !== counted) await correct(work, recordType, records - counted);
  return { records, counted };
}

interface Chunk {
  records: number;
  last: string | null;
}

async function countChunk(
  { trx, tenantId }: TenantWork,
  { recordType, after, limit }: { recordType: string; after: string | null; limit: number },
): Promise<Chunk> {
  const { rows } = await sql<Chunk>`
    select count(*) as records, max(external_id) as last from (
      select external_id from records where tenant_id = ${opaqueToPlanner(tenantId)} and record_type = ${recordType}
        ${after === null ? sql`` : sql`and external_id > ${after}`}
      order by external_id limit ${limit}) chunk`.execute(trx);
  return rows[0] ?? { records: 0, last: null };
}

async function correct({ trx, tenantId }: TenantWork, recordType: string, difference: number): Promise<void> {
  await sql`
    insert into record_counts (tenant_id, record_type, shard, records)
    values (${tenantId}, ${recordType}, ${CORRECTIONS}, ${difference})
    on conflict (tenant_id, record_type, shard)
      do update set records = record_counts.records + excluded.records`.execute(trx);
}

export async function noteRecount({ trx, tenantId, now }: TenantWork): Promise<void> {
  await trx.updateTable('tenants').set({ recordsCountedAt: now }).where('tenantId', '=', tenantId).execute();
}
