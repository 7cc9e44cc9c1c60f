/** How urgent the work is for which a push queue looks next. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // null = unknown, as of an edit.
  await sql`alter table push_queue_looks add column next_look_priority smallint`.execute(db);
}
