/** Single calls of a third-party definition that a trial tries. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // Null: the settings are checked.
  await sql`alter table integration_trials add column tries jsonb`.execute(db);
}
