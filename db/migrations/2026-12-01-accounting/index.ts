/** Records that were read are accounted for; a watermark does not pass what was not read (rules.md 51). */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `alter table sync_jobs
         add column records_held_back bigint not null default 0,
         -- Reviewed changes that were not applied because a side has changed since.
         add column records_skipped bigint not null default 0,
         add column watermark_kept text check (watermark_kept in ('held_back', 'just_pushed', 'list_changed'))`,
    )
    .execute(db);
  await sql
    .raw(
      `alter table sync_datasets
         -- The next watermark of a list that may have changed while it was read, once a second run has read it.
         add column unconfirmed_watermark timestamptz`,
    )
    .execute(db);
}
