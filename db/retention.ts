/** Deletes what is kept for a limited time only. */
import { sql } from 'kysely';
import type { Retention } from '../domain/retention';
import type { Database, Work } from './database';
import { keepPartitions, tryAll } from './platform/partitions';

/**
 * Stream events, trials and consents after an hour, idempotency keys and previews of erasures after a day,
 * connect sessions after 30 days, and the history of the partitioned tables after its retention.
 */
export async function purgeExpired(database: Database, retention: Retention): Promise<void> {
  await tryAll(
    [
      () => deleteExpired(database, 'stream_events', '1 hour'),
      () => deleteExpired(database, 'integration_trials', '1 hour'),
      () => deleteExpired(database, 'oauth_consents', '1 hour'),
      () => deleteExpired(database, 'idempotency_keys', '24 hours'),
      () => deleteExpired(database, 'connect_sessions', '30 days'),
      () => database.withDispatcher(({ trx }) => deleteOldPreviews(trx)),
      () => keepPartitions(database, retention),
    ],
    (purge) => purge(),
  );
}

const ROWS_PER_TRANSACTION = 5_000;
/** The next call, a minute later, continues. */
const TRANSACTIONS_MAX = 100;

async function deleteExpired(database: Database, table: string, age: string): Promise<void> {
  for (let transactions = 0; transactions < TRANSACTIONS_MAX; transactions += 1) {
    const { numAffectedRows = 0n } = await database.withDispatcher(({ trx }) =>
      sql`delete from ${sql.table(table)} where ctid = any(array(
        select ctid from ${sql.table(table)} where created_at < now() - ${age}::interval
        order by created_at limit ${ROWS_PER_TRANSACTION}))`.execute(trx),
    );
    if (numAffectedRows < ROWS_PER_TRANSACTION) return;
  }
}

async function deleteOldPreviews(trx: Work['trx']): Promise<void> {
  await sql`
    with old as (delete from erasures where state = 'ready' and finished_at is null and updated_at < now() - interval '24 hours'
      returning tenant_id, erasure_id)
    delete from erasure_items item using old
    where item.tenant_id = old.tenant_id and item.erasure_id = old.erasure_id`.execute(trx);
}
