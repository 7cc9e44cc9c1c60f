/** Deletes what is kept for a limited time only. */
import { sql } from 'kysely';
import type { Retention } from '../domain/retention';
import type { Database } from './database';
import { keepPartitions } from './platform/partitions';

/**
 * Stream events and trials after an hour, idempotency keys after a day, and the history of the partitioned
 * tables after its retention.
 */
export async function purgeExpired(database: Database, retention: Retention): Promise<void> {
  await database.withDispatcher(async ({ trx }) => {
    await sql`delete from stream_events where created_at < now() - interval '1 hour'`.execute(trx);
    await sql`delete from integration_trials where created_at < now() - interval '1 hour'`.execute(trx);
    await sql`delete from idempotency_keys where created_at < now() - interval '24 hours'`.execute(trx);
  });
  await keepPartitions(database, retention);
}
