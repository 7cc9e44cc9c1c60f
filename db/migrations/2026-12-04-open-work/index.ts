/**
 * The sweep finds open work without reading history (rules.md 60), in one process at a time.
 */
import { type Kysely, sql } from 'kysely';
import { createIndex } from '../concurrent-indexes';
import { allTenants, protect } from '../2026-11-28-baseline/access';

const statements = [
  // Background work that one process does for all. A holder that is silent for long has lost its lease.
  `create table leases (
     name text primary key,
     holder_id uuid not null,
     seen_at timestamptz not null
   )`,
  ...protect('leases'),
  ...allTenants('syncline_dispatcher', 'leases', 'select', 'insert', 'update', 'delete'),
  createIndex('sync_runs_open'),
  createIndex('emails_open'),
  `create index integrations_with_backfill on integrations (integration_id)
     where backfill_reason is not null and deleted_at is null`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
