/** A resume and new credentials write one row, however many pushes wait (rules.md 16, 60). */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // The clock of record_syncs.give_up_at stops while the integration is paused or waits for credentials.
  await sql
    .raw('alter table integrations add column retry_clock_stopped_ms bigint not null default 0')
    .execute(db);
}
