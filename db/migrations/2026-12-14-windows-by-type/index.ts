/** A safety threshold counts the windows and links of its record type, and no others (rules.md 53, 60). */
import { type Kysely, sql } from 'kysely';
import { ADD_WINDOW_RECORD_TYPE, createIndex } from '../concurrent-indexes';

const statements = [
  // Null in windows of the former version, which claims fill in.
  ADD_WINDOW_RECORD_TYPE,
  createIndex('record_syncs_by_type'),
  createIndex('record_links_by_type'),
  `drop index record_syncs_by_effect`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
