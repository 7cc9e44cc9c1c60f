/** What full passes deleted within a window is counted without reading history (rules.md 31, 60). */
import { type Kysely, sql } from 'kysely';
import { createIndex } from '../concurrent-indexes';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(createIndex('sync_runs_full')).execute(db);
}
