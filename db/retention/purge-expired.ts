/** Deletes what is kept for a limited time only; of errors and ended conflicts, the texts (rules.md 62). */
import { type RawBuilder, sql } from 'kysely';
import { removedText, type Retention } from '../../domain/retention';
import type { Database } from '../database';
import { ageingAt, deleteExpired, inChunks, ROWS_PER_TRANSACTION } from './delete-expired';
import { EXPIRING_ROWS } from './expiring-rows';
import { deleteLeftLists } from './left-lists';
import { keepPartitions, tryAll } from './partitions';

/** Where a search ended that finds little among much; the next call goes on from there. */
export type Places = Map<string, string | undefined>;

/**
 * Deletes a bounded number of chunks of a bounded size; the next call continues. `clock`: the time of this
 * process, in milliseconds since 1970.
 */
export async function purgeExpired(
  database: Database,
  retention: Retention,
  clock: () => number = Date.now,
  places: Places = new Map(),
): Promise<void> {
  await tryAll(
    [
      ...EXPIRING_ROWS.map((rows) => () => deleteExpired(database, rows, { retention, clock })),
      () => deleteOldPreviews(database),
      () => deleteNextLists(database, places),
      () => forgetPositions(database),
      () => keepPartitions(database, retention, clock),
      ...TEXTS.map((texts) => () => removeTexts(database, texts, { days: retention[texts.kind], clock })),
    ],
    (purge) => purge(),
  );
}

async function deleteNextLists(database: Database, places: Places): Promise<void> {
  const limit = ROWS_PER_TRANSACTION;
  await inChunks(database, async (work) => {
    const { deleted, last } = await deleteLeftLists(work, { after: places.get('left lists'), limit });
    if (deleted < limit) places.set('left lists', last);
    return deleted === limit;
  });
}

/** Each preview has up to a thousand items. */
const PREVIEWS_PER_TRANSACTION = 5;

/** PostgreSQL checks it again for the row that it deletes if it had to wait for a confirmation. */
const IS_OLD_PREVIEW = sql`state = 'ready' and finished_at is null and updated_at < now() - interval '24 hours'`;

/** Deletes previews of erasures that were not confirmed within a day. */
async function deleteOldPreviews(database: Database): Promise<void> {
  await inChunks(database, async ({ trx }) => {
    const { rows } = await sql`
      with old as (
        delete from erasures where ${IS_OLD_PREVIEW} and erasure_id = any(array(
          select erasure_id from erasures where ${IS_OLD_PREVIEW} limit ${PREVIEWS_PER_TRANSACTION}))
        returning tenant_id, erasure_id),
      items as (
        delete from erasure_items item using old
        where item.tenant_id = old.tenant_id and item.erasure_id = old.erasure_id)
      select erasure_id from old`.execute(trx);
    return rows.length === PREVIEWS_PER_TRANSACTION;
  });
}

/**
 * Jobs that processes of former versions ended keep where they stopped to read, which may be the id of a
 * person.
 */
async function forgetPositions(database: Database): Promise<void> {
  await inChunks(database, async ({ trx }) => {
    const isLeft = sql`finished_at is not null and cursor is not null`;
    const { numAffectedRows } = await sql`update sync_jobs set cursor = null where ctid = any(array(
      select ctid from sync_jobs where ${isLeft} limit ${ROWS_PER_TRANSACTION})) and ${isLeft}`.execute(trx);
    return numAffectedRows === BigInt(ROWS_PER_TRANSACTION);
  });
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
  { days, clock }: { days: number; clock: () => number },
): Promise<void> {
  await inChunks(database, async ({ trx, now }) => {
    const { numAffectedRows } = await sql`update ${sql.table(table)} set ${remove(removedText(days))}
      where ctid = any(array(
        select ctid from ${sql.table(table)}
        where ${sql.raw(isThere)} and ${sql.ref(at)} < ${ageingAt(now, clock)}::timestamptz - ${`${days} days`}::interval
        order by ${sql.ref(at)} limit ${ROWS_PER_TRANSACTION}))`.execute(trx);
    return numAffectedRows === BigInt(ROWS_PER_TRANSACTION);
  });
}
