/** A pass starts over if its cursor expires (rules.md 51). */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `alter table sync_jobs
         add column restarts smallint not null default 0,
         -- Records that were read before the last restart.
         add column records_read_before bigint not null default 0`,
    )
    .execute(db);
}
