/**
 * Pages of a history are read in the order of an index. Where the planner assumes few rows of a tenant, it
 * reads and sorts all of them instead: the statistics say how many rows an integration has on average, and an
 * empty partition costs less from end to end than by its index.
 */
import { sql } from 'kysely';
import type { Work } from '../database';

/** `read` runs one statement that an index orders and a limit ends. */
export async function inIndexOrder<T>({ trx }: Pick<Work, 'trx'>, read: () => Promise<T>): Promise<T> {
  await sql`set local enable_sort = off`.execute(trx);
  const page = await read();
  await sql`set local enable_sort = on`.execute(trx);
  return page;
}
