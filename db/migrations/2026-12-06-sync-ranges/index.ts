/** The ranges of a list that several workers read at the same time. Removed when their job ends. */
import { type Kysely, sql } from 'kysely';
import { erasable, tenantTable } from '../2026-11-28-baseline/access';

const statements = [
  `create table sync_ranges (
     tenant_id uuid not null,
     sync_run_id uuid not null,
     record_type text not null,
     range integer not null,
     -- As the connector has described the range.
     bounds text not null,
     cursor text,
     pages integer not null default 0,
     repeated_pages integer not null default 0,
     is_initial_load boolean not null,
     remote_total bigint,
     expected_records bigint,
     read_finished_at timestamptz,
     primary key (tenant_id, sync_run_id, record_type, range)
   )`,
  ...tenantTable('sync_ranges', 'select, insert, update, delete'),
  ...erasable('sync_ranges'),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
