/**
 * Rows of a history are read in the order of an index. Where the planner assumes few rows of a tenant, it
 * reads and sorts all of them instead: the statistics say how many rows an integration has on average, and an
 * empty partition costs less from end to end than by its index.
 */
import { sql } from 'kysely';
import type { Work } from '../database';

/** For the select list of a statement: the remaining statements of the transaction read in order. */
export const READ_IN_ORDER = settingOf('off');

/** For the remaining statements of the transaction. */
export async function readInOrder({ trx }: Pick<Work, 'trx'>): Promise<void> {
  await sql`select ${READ_IN_ORDER}`.execute(trx);
}

/** `read` runs one statement, whose rows are read, or changed, in the order of an index. */
export async function inIndexOrder<T>(work: Pick<Work, 'trx'>, read: () => Promise<T>): Promise<T> {
  await readInOrder(work);
  const page = await read();
  await sql`select ${settingOf('on')}`.execute(work.trx);
  return page;
}

function settingOf(value: 'on' | 'off') {
  return sql`set_config('enable_sort', ${sql.lit(value)}, true), set_config('enable_bitmapscan', ${sql.lit(value)}, true)`;
}
