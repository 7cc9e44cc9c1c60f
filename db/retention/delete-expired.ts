/** Deletes expired rows, and the rows of other tables that end with them, in chunks of a bounded size. */
import { type RawBuilder, sql } from 'kysely';
import type { Retention } from '../../domain/retention';
import type { Database, Work } from '../database';
import type { ExpiringRows, Parts } from './expiring-rows';

export const ROWS_PER_TRANSACTION = 5_000;
/** The limit for rows with parts, of which each row may have many. */
const WHOLES_PER_TRANSACTION = 500;
/** The next call, a minute later, continues. */
const TRANSACTIONS_MAX = 100;

/** The time by which rows age: the slower clock counts, so that one that jumps alone deletes nothing. */
export const ageingAt = (databaseNow: Date, clock: () => number): Date =>
  new Date(Math.min(databaseNow.getTime(), clock()));

/** `chunk` works in a transaction of its own each time, until it returns false. */
export async function inChunks(database: Database, chunk: (work: Work) => Promise<boolean>): Promise<void> {
  for (let transactions = 0; transactions < TRANSACTIONS_MAX; transactions += 1)
    if (!(await database.withDispatcher(chunk))) return;
}

export async function deleteExpired(
  database: Database,
  rows: ExpiringRows,
  { retention, clock }: { retention: Retention; clock: () => number },
): Promise<void> {
  const { parts } = rows;
  await inChunks(database, async (work) => {
    const old = isOld(rows, retention, ageingAt(work.now, clock));
    if (parts === undefined)
      return (await deleteOld(work, rows, old, ROWS_PER_TRANSACTION)) === ROWS_PER_TRANSACTION;
    const deleted = await deleteParts(work, rows, parts, old);
    const isEmpty = sql`(select true from ${partsOf(parts)} and ${whenOf(parts)} limit 1) is null`;
    const ended = await deleteOld(work, rows, sql`${old} and ${isEmpty}`, WHOLES_PER_TRANSACTION);
    return deleted === ROWS_PER_TRANSACTION || ended === WHOLES_PER_TRANSACTION;
  });
}

function isOld({ since, age, needed }: ExpiringRows, retention: Retention, now: Date): RawBuilder<unknown> {
  const interval = age in retention ? `${retention[age as keyof Retention]} days` : age;
  const hasAged = sql`${sql.ref(`old.${since}`)} < ${now}::timestamptz - ${interval}::interval`;
  return needed === undefined ? hasAged : sql`${hasAged} and (${needed}) is null`;
}

const deleteOld = (
  work: Work,
  { table, since }: ExpiringRows,
  condition: RawBuilder<unknown>,
  limit: number,
): Promise<number> =>
  countOf(
    work,
    sql`delete from ${sql.table(table)} where ctid = any(array(
      select old.ctid from ${sql.table(table)} old where ${condition}
      order by ${sql.ref(`old.${since}`)} limit ${limit}))`,
  );

const deleteParts = (
  work: Work,
  { table, since }: ExpiringRows,
  parts: Parts,
  old: RawBuilder<unknown>,
): Promise<number> =>
  countOf(
    work,
    sql`delete from ${sql.table(parts.table)} where ctid = any(array(
      select part.ctid from (
        select ${sql.join(parts.key.map((column) => sql.ref(`old.${column}`)))}
        from ${sql.table(table)} old where ${old} and ${whenOf(parts)}
        order by ${sql.ref(`old.${since}`)} limit ${WHOLES_PER_TRANSACTION}) old
      cross join lateral (select part.ctid from ${partsOf(parts)} limit ${ROWS_PER_TRANSACTION}) part
      limit ${ROWS_PER_TRANSACTION}))`,
  );

/** The parts of the row `old`. */
function partsOf({ table, key }: Parts): RawBuilder<unknown> {
  const isOfOld = key.map((column) => sql`${sql.ref(`part.${column}`)} = ${sql.ref(`old.${column}`)}`);
  return sql`${sql.table(table)} part where ${sql.join(isOfOld, sql` and `)}`;
}

const whenOf = ({ when = sql`true` }: Parts): RawBuilder<unknown> => when;

async function countOf({ trx }: Work, statement: RawBuilder<unknown>): Promise<number> {
  return Number((await statement.execute(trx)).numAffectedRows ?? 0n);
}
