/**
 * Rows of a history are read in the order of an index. Where the planner assumes few rows of a tenant, it
 * reads and sorts all of them instead: the statistics say how many rows an integration has on average, and an
 * empty partition costs less from end to end than by its index.
 */
import { sql } from 'kysely';
import type { Work } from '../database';

/** For the remaining statements of the transaction. */
export async function readInOrder({ trx }: Pick<Work, 'trx'>): Promise<void> {
  await set(trx, 'off');
}

/** `read` runs one statement, whose rows are read, or changed, in the order of an index. */
export async function inIndexOrder<T>({ trx }: Pick<Work, 'trx'>, read: () => Promise<T>): Promise<T> {
  await set(trx, 'off');
  const page = await read();
  await set(trx, 'on');
  return page;
}

async function set(trx: Work['trx'], value: 'on' | 'off'): Promise<void> {
  await sql`select set_config('enable_sort', ${value}, true), set_config('enable_bitmapscan', ${value}, true)`.execute(
    trx,
  );
}
