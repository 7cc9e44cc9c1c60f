/** What limits the repairs of a record type (rules.md 52). */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `alter table sync_datasets
         -- The difference of the count before the last one; null = not known.
         add column previous_difference bigint,
         -- When a repair was last requested.
         add column repaired_at timestamptz`,
    )
    .execute(db);
}
