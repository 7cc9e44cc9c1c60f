/** What a full pass no longer found is stored once, however much it is (rules.md 31). */
import { type Kysely, sql } from 'kysely';
import { tenantTable } from '../2026-11-28-baseline/access';

const statements = [
  `create table missing_records (
     tenant_id uuid not null,
     sync_run_id uuid not null,
     record_type text not null,
     record_id uuid not null,
     primary key (tenant_id, sync_run_id, record_type, record_id)
   )`,
  ...tenantTable('missing_records', 'select, insert, delete'),
  // Null = both sides are not compared yet.
  `alter table sync_jobs add column records_missing bigint`,
  // The records of a review are those that its pass missed; record_ids is no longer written.
  `alter table deletion_reviews
     add column records_missing bigint not null default 0,
     alter column record_ids set default '{}'`,
  `update deletion_reviews set records_missing = cardinality(record_ids)`,
  `insert into missing_records (tenant_id, sync_run_id, record_type, record_id)
   select tenant_id, sync_run_id, record_type, unnest(record_ids) from deletion_reviews
   on conflict do nothing`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
