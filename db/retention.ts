/** Deletes what is kept for a limited time only. */
import { sql } from 'kysely';
import type { Retention } from '../domain/retention';
import type { Database, Work } from './database';
import { keepPartitions } from './platform/partitions';

/**
 * Stream events and trials after an hour, idempotency keys and previews of erasures after a day, and the
 * history of the partitioned tables after its retention.
 */
export async function purgeExpired(database: Database, retention: Retention): Promise<void> {
  await database.withDispatcher(async ({ trx }) => {
    await sql`delete from stream_events where created_at < now() - interval '1 hour'`.execute(trx);
    await sql`delete from integration_trials where created_at < now() - interval '1 hour'`.execute(trx);
    await sql`delete from idempotency_keys where created_at < now() - interval '24 hours'`.execute(trx);
    await deleteOldPreviews(trx);
  });
  await keepPartitions(database, retention);
}

async function deleteOldPreviews(trx: Work['trx']): Promise<void> {
  await sql`
    with old as (delete from erasures where state = 'ready' and updated_at < now() - interval '24 hours'
      returning tenant_id, erasure_id)
    delete from erasure_items item using old
    where item.tenant_id = old.tenant_id and item.erasure_id = old.erasure_id`.execute(trx);
}
