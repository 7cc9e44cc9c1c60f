/** A Sync Now settles the items of its overview that are left in chunks (rules.md 21, 60). */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `alter table sync_jobs
         -- The last item that was settled; null = none yet.
         add column items_settled_action text,
         add column items_settled_to uuid`,
    )
    .execute(db);
}
