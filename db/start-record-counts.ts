/**
 * Counts the records that were stored before there were counts (db/records/record-counts.ts), so that no
 * request has to. Tenants in batches, each a transaction: no other transaction waits for it.
 */
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { ensureSchema, quoted } from './access-rights';
import type { InTransaction } from './migrations/2026-12-04-partitions/prepare';
import { CORRECTIONS } from './records/record-counts';
import { FIRST_ID } from './sql/ids';

const TENANTS_PER_TRANSACTION = 100;

/** Safe to repeat: types that have a count keep it. */
export async function startRecordCounts(inTransaction: InTransaction): Promise<void> {
  let after: string | undefined = FIRST_ID;
  while (after !== undefined) {
    const place: string = after;
    after = await inTransaction((db) => startNext(db, place));
  }
}

async function startNext(db: Kysely<unknown>, after: string): Promise<string | undefined> {
  const schema = await ensureSchema(db); // with another role, `$user` in the search path is another one
  const { rows: tables } = await sql<{ exist: boolean }>`
    select to_regclass(${`${quoted(schema)}.record_counts`}) is not null as exist`.execute(db);
  if (tables[0]?.exist !== true) return undefined; // the database is of another version
  await sql`select set_config('role', 'syncline_platform', true)`.execute(db);
  const { rows } = await sql<{ tenantId: string }>`
    select tenant_id as "tenantId" from ${sql.id(schema, 'tenants')} where tenant_id > ${after}::uuid
    order by tenant_id limit ${TENANTS_PER_TRANSACTION}`.execute(db);
  for (const { tenantId } of rows) {
    await sql`select set_config('role', 'syncline_app', true), set_config('app.tenant', ${tenantId}, true)`.execute(
      db,
    );
    await startOfTenant(db, (table) => sql.id(schema, table), tenantId);
  }
  return rows.length < TENANTS_PER_TRANSACTION ? undefined : rows.at(-1)?.tenantId;
}

async function startOfTenant(
  db: Kysely<unknown>,
  table: (name: string) => RawBuilder<unknown>,
  tenantId: string,
): Promise<void> {
  const nextType = (after: RawBuilder<unknown>) => sql`(
    select record_type from ${table('records')} where tenant_id = ${tenantId}::uuid and record_type > ${after}
    order by record_type limit 1)`;
  // In the shard of recounts: of the two, only the first one counts these records.
  await sql`
    with recursive types(record_type) as (
      select ${nextType(sql`''`)}
      union all select ${nextType(sql`types.record_type`)} from types where types.record_type is not null)
    insert into ${table('record_counts')} (tenant_id, record_type, shard, records)
    select ${tenantId}::uuid, record_type, ${CORRECTIONS}::smallint, (
      select count(*) from ${table('records')} record
      where record.tenant_id = ${tenantId}::uuid and record.record_type = types.record_type)
    from types
    where record_type is not null and not exists (
      select from ${table('record_counts')} known
      where known.tenant_id = ${tenantId}::uuid and known.record_type = types.record_type)
    on conflict do nothing`.execute(db);
}
