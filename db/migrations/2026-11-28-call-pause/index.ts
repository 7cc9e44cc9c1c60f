/** A Retry-After holds for all calls of an integration, also for those of batches in progress. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw('alter table rate_limits add column paused_until timestamptz').execute(db);
}
