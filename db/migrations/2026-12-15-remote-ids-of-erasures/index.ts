/** The remote ids of an erased record by integration: another app may use the same id for another record. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // A list of { integrationId, remoteId }. Ids of `remote_ids` that it lacks are erased at all integrations.
  await sql`alter table erasure_items add column links jsonb not null default '[]'`.execute(db);
}
