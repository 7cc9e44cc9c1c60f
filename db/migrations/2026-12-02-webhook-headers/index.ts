/** Headers of one's own for webhook receivers, such as those of HTTP basic authentication. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `alter table webhook_endpoints
         -- Encrypted, as JSON of names and values; null = none.
         add column headers text,
         add column header_names text[] not null default '{}'`,
    )
    .execute(db);
}
