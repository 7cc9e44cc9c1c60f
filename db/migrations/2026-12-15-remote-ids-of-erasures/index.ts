/** At which integration an erased record has which id: another one may give the same id to somebody else. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // As a list of { integration_id, remote_id }. Ids of `remote_ids` that it lacks count everywhere.
  await sql`alter table erasure_items add column links jsonb not null default '[]'`.execute(db);
}
