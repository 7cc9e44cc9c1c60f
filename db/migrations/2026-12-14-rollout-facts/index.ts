/** What a rollback must not undo, and why a rollout does not go on. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table integrations add column definition_chosen_in bigint`.execute(db);
  await sql`alter table definition_rollouts add column trouble jsonb`.execute(db);
}
