/** Settings per record type of an integration. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // Beside the mappings, not in them: a new setting is no new mapping and makes nothing due.
  await sql.raw(`alter table integrations add column type_settings jsonb not null default '{}'`).execute(db);
}
