/** How late changes become visible at the third party (rules.md 52). */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `alter table sync_datasets
         -- How much earlier than their watermark incremental runs read; null = no change was late so far.
         add column learned_overlap_ms bigint,
         -- When a change was last late.
         add column learned_overlap_at timestamptz`,
    )
    .execute(db);
}
