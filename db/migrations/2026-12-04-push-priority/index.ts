/**
 * Due pushes by kind, the most urgent first (rules.md 59). Workers of the former version leave the default,
 * and mark a backfill by `is_backfill` as before.
 */
import { type Kysely, sql } from 'kysely';
import { ADD_PUSH_PRIORITY, createIndex } from '../concurrent-indexes';

const statements = [
  // 0 = a person asked for it, 1 = an edit, 2 = a bulk change; a backfill comes after them.
  ADD_PUSH_PRIORITY,
  // Existing rows have the default: reading them all to check that would stop writes.
  `alter table record_syncs add constraint record_syncs_push_priority_check
     check (push_priority between 0 and 2) not valid`,
  createIndex('record_syncs_due_by_kind'),
  // What becomes due while an integration is blocked, past all pushes that wait.
  createIndex('record_syncs_due_windows'),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
