/**
 * How many records a tenant has of a type, and how many it may have (rules.md 60). Deleted records count as
 * long as they are kept. A transaction asks for room before it creates records, and counts them at its end.
 */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { findTenant } from '../tenants/tenants';
import type { RecordDraft } from '../../domain/records/record-draft';

/** Nothing of the transaction is stored. */
export class RecordLimitReached extends Error {
  constructor(
    readonly recordType: string,
    readonly limit: number,
  ) {
    super(`The limit of ${limit} records of the type ${recordType} is reached.`);
  }
}

const SHARDS = 16;
/** The shard of what the others have missed (recount-records.ts). */
export const CORRECTIONS = SHARDS;
/** Closer to the limit than this, transactions that create records run one after the other. */
const EXACT_WITHIN = 50_000;

/** @returns how many more records of the type may be created, after the `creates` that are about to be. */
export async function readRoom(
  work: TenantWork,
  { recordType, creates, recordsPerType }: { recordType: string; creates: number; recordsPerType: number },
): Promise<{ limit: number; room: number }> {
  const { trx, tenantId } = work;
  const { rows } = await sql<{ max: number | null; records: number }>`
    select (select records_per_type_max from tenants where tenant_id = ${tenantId}) as max,
      coalesce(sum(records), 0)::bigint as records
    from record_counts where tenant_id = ${tenantId} and record_type = ${recordType}`.execute(trx);
  const limit = rows[0]?.max ?? recordsPerType;
  let records = rows[0]?.records ?? 0;
  if (records + creates > limit - EXACT_WITHIN) {
    const key = sql`hashtextextended(${`records ${tenantId} ${recordType}`}, 0)`;
    await sql`select pg_advisory_xact_lock(${key})`.execute(trx);
    records = await readCount(work, recordType);
  }
  return { limit, room: limit - records };
}

/** @throws `RecordLimitReached` */
export async function requireRoom(
  work: TenantWork,
  { recordType, recordsPerType }: { recordType: string; recordsPerType: number },
  creates: number,
): Promise<void> {
  if (creates === 0) return;
  const { limit, room } = await readRoom(work, { recordType, creates, recordsPerType });
  if (creates > room) throw new RecordLimitReached(recordType, limit);
}

/** The limit of the tenant. */
export async function recordLimitOf(work: TenantWork, recordsPerType: number): Promise<number> {
  return (await findTenant(work))?.recordsPerTypeMax ?? recordsPerType;
}

/** Records that were stored before there were counts are counted by db/start-record-counts.ts. */
export async function readCount({ trx, tenantId }: TenantWork, recordType: string): Promise<number> {
  const { rows } = await sql<{ records: number }>`
    select coalesce(sum(records), 0)::bigint as records from record_counts
    where tenant_id = ${tenantId} and record_type = ${recordType}`.execute(trx);
  return rows[0]?.records ?? 0;
}

/** The last step of a transaction, because it locks the row of the counter. */
export async function countCreated(work: TenantWork, drafts: readonly RecordDraft[]): Promise<void> {
  const { trx, tenantId } = work;
  const created = new Map<string, number>();
  for (const { before, recordType, isTouched } of drafts)
    if (before === null && isTouched) created.set(recordType, (created.get(recordType) ?? 0) + 1);
  for (const [recordType, records] of [...created].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    await sql`
      insert into record_counts (tenant_id, record_type, shard, records)
      values (${tenantId}, ${recordType}, pg_backend_pid() % ${SHARDS}, ${records})
      on conflict (tenant_id, record_type, shard)
        do update set records = record_counts.records + excluded.records`.execute(trx);
}
