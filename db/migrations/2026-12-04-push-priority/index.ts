/**
 * Due pushes by kind, the most urgent first (rules.md 59). Workers of the former version leave the default,
 * and mark a backfill by `is_backfill` as before. The index holds due rows only; building it reads the table
 * once.
 */
import { type Kysely, sql } from 'kysely';

const statements = [
  // 0 = a person asked for it, 1 = an edit, 2 = a bulk change; a backfill comes after them.
  `alter table record_syncs add column push_priority smallint not null default 1
     check (push_priority between 0 and 2)`,
  `create index record_syncs_due_by_kind on record_syncs
     (tenant_id, integration_id, (case when is_backfill then 3 else push_priority end), next_due_at)
     where next_due_at is not null`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
