/** What a first pass knows of itself: nothing was here before it, so that its pages can be written without looking each record up. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table sync_jobs add column is_initial_load boolean not null default false`.execute(db);
}
