/** Expired rows are deleted in chunks, which are found by their place. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const table of ['stream_events', 'integration_trials', 'idempotency_keys'])
    await sql.raw(`grant select (ctid) on ${table} to syncline_dispatcher`).execute(db);
}
