/** Datasets keep the token by which their third party lists what has changed since. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table sync_datasets add column sync_token text`.execute(db);
  await sql`
    alter table sync_jobs add column sync_token text, add column next_sync_token text`.execute(db);
}
