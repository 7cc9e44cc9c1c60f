/** Some rows of many, found by what they have in common and changed by their place in the table (`ctid`). */
import { type RawBuilder, sql } from 'kysely';
import type { Work } from '../database';

interface SomeRows {
  /** Not a partitioned table: each partition numbers its own rows. */
  table: string;
  /** The values of an update; absent: the rows are deleted. */
  set?: RawBuilder<unknown>;
  /** False for a row that was changed. */
  where: RawBuilder<unknown>;
  limit: number;
}

/**
 * A row that another transaction changes at the same time moves to another place. The statement omits it,
 * with or without a lock, and is then repeated.
 * @returns how many rows were changed; fewer than `limit` = there are no more.
 */
export async function changeSome(
  { trx }: Pick<Work, 'trx'>,
  { table: name, set, where, limit }: SomeRows,
): Promise<number> {
  const table = sql.table(name);
  const change = set === undefined ? sql`delete from ${table}` : sql`update ${table} set ${set}`;
  let all = 0;
  for (;;) {
    const { rows } = await sql<{ found: number; changed: number }>`
      with chosen as materialized (select ctid from ${table} where ${where} limit ${limit - all}),
      changed as (${change} where ctid = any(array(select ctid from chosen)) and ${where} returning true)
      select (select count(*) from chosen)::int as found, (select count(*) from changed)::int as changed`.execute(
      trx,
    );
    const { found, changed } = rows[0] ?? { found: 0, changed: 0 };
    all += changed;
    if (changed === found || all >= limit) return all;
  }
}
