/** What a sync run stands for, beside what it reads (rules.md 30, 38). */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // The kinds of the requests that it covers. Runs of earlier versions stand for their own kind.
  await sql.raw(`alter table sync_runs add column stands_for text[] not null default '{}'`).execute(db);
}
