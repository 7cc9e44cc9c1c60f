/** The end of a full pass compares both sides in chunks, and continues where it stopped (rules.md 60). */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `alter table sync_jobs
         -- A pass that started over begins with a later page; the pages before it no longer count.
         add column first_page integer not null default 0,
         add column compared_part smallint not null default 0,
         -- The last link that was compared; null = none of the part.
         add column compared_to uuid,
         add column links_compared bigint not null default 0,
         add column missing_found bigint not null default 0`,
    )
    .execute(db);
}
