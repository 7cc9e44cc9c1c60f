/** A trial can hold a few records of the app, as a proposed mapping would store them. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table integration_trials add column samples jsonb`.execute(db);
}
