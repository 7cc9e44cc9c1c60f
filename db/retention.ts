/** Deletes what is kept for a limited time only. */
import { type RawBuilder, sql } from 'kysely';
import { removedText, type Retention } from '../domain/retention';
import type { Database, Work } from './database';
import { keepPartitions, tryAll } from './platform/partitions';

/**
 * Stream events, trials and consents after an hour, idempotency keys and previews of erasures after a day,
 * connect sessions after 30 days, and the history of the partitioned tables after its retention. Of errors
 * and ended conflicts, the texts.
 */
export async function purgeExpired(database: Database, retention: Retention): Promise<void> {
  await tryAll(
    [
      () => deleteExpired(database, 'stream_events', '1 hour'),
      () => deleteExpired(database, 'integration_trials', '1 hour'),
      () => deleteExpired(database, 'oauth_consents', '1 hour'),
      () => deleteExpired(database, 'idempotency_keys', '24 hours'),
      () => deleteExpired(database, 'connect_sessions', '30 days'),
      () => deleteOldPreviews(database),
      () => keepPartitions(database, retention),
      ...TEXTS.map((texts) => () => removeTexts(database, texts, retention[texts.kind])),
    ],
    (purge) => purge(),
  );
}

const ROWS_PER_TRANSACTION = 5_000;
/** The next call, a minute later, continues. */
const TRANSACTIONS_MAX = 100;

async function deleteExpired(database: Database, table: string, age: string): Promise<void> {
  await inChunks(database, ({ trx }) =>
    sql`delete from ${sql.table(table)} where ctid = any(array(
      select ctid from ${sql.table(table)} where created_at < now() - ${age}::interval
      order by created_at limit ${ROWS_PER_TRANSACTION}))`.execute(trx),
  );
}

async function inChunks(
  database: Database,
  chunk: (work: Work) => Promise<{ numAffectedRows?: bigint }>,
): Promise<void> {
  for (let transactions = 0; transactions < TRANSACTIONS_MAX; transactions += 1) {
    const { numAffectedRows = 0n } = await database.withDispatcher(chunk);
    if (numAffectedRows < ROWS_PER_TRANSACTION) return;
  }
}

/** Each preview has up to a thousand items. */
const PREVIEWS_PER_TRANSACTION = 5;

async function deleteOldPreviews(database: Database): Promise<void> {
  for (let transactions = 0; transactions < TRANSACTIONS_MAX; transactions += 1) {
    const { rows } = await database.withDispatcher(({ trx }) =>
      sql`
        with old as (
          delete from erasures where finished_at is null and erasure_id = any(array(
            select erasure_id from erasures
            where state = 'ready' and finished_at is null and updated_at < now() - interval '24 hours'
            limit ${PREVIEWS_PER_TRANSACTION}))
          returning tenant_id, erasure_id),
        items as (
          delete from erasure_items item using old
          where item.tenant_id = old.tenant_id and item.erasure_id = old.erasure_id)
        select erasure_id from old`.execute(trx),
    );
    if (rows.length < PREVIEWS_PER_TRANSACTION) return;
  }
}

interface Texts {
  kind: keyof Retention;
  table: string;
  at: string;
  /** As in the index of the table. */
  isThere: string;
  remove: (text: string) => RawBuilder<unknown>;
}

const IS_IN_ERROR = `error ->> 'message' not like 'Removed after %'`;
const removeFromError = (text: string) =>
  sql`error = error || jsonb_build_object('message', ${text}::text, 'explanation', ${text}::text)`;

const TEXTS: readonly Texts[] = [
  {
    kind: 'errorTexts',
    table: 'sync_record_errors',
    at: 'at',
    isThere: `message not like 'Removed after %'`,
    remove: (text) => sql`message = ${text}`,
  },
  {
    kind: 'errorTexts',
    table: 'sync_jobs',
    at: 'finished_at',
    isThere: IS_IN_ERROR,
    remove: removeFromError,
  },
  {
    kind: 'errorTexts',
    table: 'overview_jobs',
    at: 'finished_at',
    isThere: IS_IN_ERROR,
    remove: removeFromError,
  },
  {
    kind: 'conflictTexts',
    table: 'sync_conflicts',
    at: 'ended_at',
    isThere: `state <> 'open' and detail not like 'Removed after %'`,
    remove: (text) => sql`ours = null, theirs = null, detail = ${text}`,
  },
];

async function removeTexts(
  database: Database,
  { table, at, isThere, remove }: Texts,
  days: number,
): Promise<void> {
  await inChunks(database, ({ trx }) =>
    sql`update ${sql.table(table)} set ${remove(removedText(days))} where ctid = any(array(
      select ctid from ${sql.table(table)}
      where ${sql.raw(isThere)} and ${sql.ref(at)} < now() - ${`${days} days`}::interval
      order by ${sql.ref(at)} limit ${ROWS_PER_TRANSACTION}))`.execute(trx),
  );
}
