/** Runs that a person waits for, whatever they read (rules.md 59). Former versions leave it false. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table sync_runs add column is_awaited boolean not null default false`.execute(db);
}
