/** The sweep reads open work in the order of its ids, page by page (rules.md 60). */
import { type Kysely, sql } from 'kysely';
import { createIndex } from '../concurrent-indexes';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const name of ['background_tasks_open', 'overviews_open', 'notification_recipients_open'] as const)
    await sql.raw(createIndex(name)).execute(db);
}
