/** How often in a row a sync job has failed: its attempts also count starts after waits and restarts. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table sync_jobs add column failures integer not null default 0`.execute(db);
}
