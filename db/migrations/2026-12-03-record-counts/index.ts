/** How many records a tenant has of a type (rules.md 60), deleted ones included. */
import { type Kysely, sql } from 'kysely';
import { tenantTable } from '../2026-11-28-baseline/access';

const statements = [
  // Filled when a record of the type is created for the first time. The number is the sum of the shards:
  // transactions at the same time rarely wait for each other's row.
  `create table record_counts (
     tenant_id uuid not null,
     record_type text not null,
     shard smallint not null,
     records bigint not null,
     primary key (tenant_id, record_type, shard)
   )`,
  ...tenantTable('record_counts', 'select, insert, update'),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
