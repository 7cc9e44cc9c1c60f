/** What was changed at the third party after it was pushed (rules.md 54). */
import { type Kysely, sql } from 'kysely';
import { tenantTable } from '../2026-11-28-baseline/access';

const statements = [
  // `place`: a member of the remote record; empty = the record is missing there.
  `create table drifts (
     tenant_id uuid not null,
     integration_id uuid not null,
     record_id uuid not null,
     record_type text not null,
     place text not null,
     expected jsonb,
     found jsonb,
     found_at timestamptz not null,
     seen_at timestamptz not null,
     sync_run_id uuid not null,
     primary key (tenant_id, integration_id, record_id, place)
   )`,
  ...tenantTable('drifts', 'select, insert, update, delete'),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
