/**
 * The sweep finds open work without reading history (rules.md 60), in one process at a time. The indexes are
 * built within the migration's transaction: they hold open rows only, so that building them reads a table
 * once, and writes to it wait for that long (a few seconds for millions of rows).
 */
import { type Kysely, sql } from 'kysely';
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
  `create index sync_runs_open on sync_runs (sync_run_id) where state in ('queued', 'running', 'waiting')`,
  `create index emails_open on emails (email_id)
     where sent_at is null and failed_at is null and withdrawn_at is null`,
  `create index integrations_with_backfill on integrations (integration_id)
     where backfill_reason is not null and deleted_at is null`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
