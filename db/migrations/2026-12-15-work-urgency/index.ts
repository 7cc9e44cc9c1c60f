/** How urgent the work is for which a push queue looks next. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // null = a process of a former version has written the instant, and queues it as an edit.
  await sql`alter table push_queue_looks add column next_look_priority smallint`.execute(db);
}
