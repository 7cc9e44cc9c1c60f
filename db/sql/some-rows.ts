/** Some rows of many, found by what they have in common and changed by their place in the table (`ctid`). */
import { type RawBuilder, sql } from 'kysely';
import type { Work } from '../database';

interface SomeRows {
  /** `delete from …` or `update … set …`. Not of a partitioned table: each partition numbers its own rows. */
  change: RawBuilder<unknown>;
  table: RawBuilder<unknown>;
  /** Does not hold any more once a row was changed. */
  where: RawBuilder<unknown>;
  limit: number;
}

/**
 * A row that another transaction moves meanwhile is at another place afterwards. The statement leaves it out,
 * with or without a lock, so it is repeated: its rows are few, and not none.
 * @returns how many rows were changed; fewer than `limit` = there are no more.
 */
export async function changeSome(
  { trx }: Pick<Work, 'trx'>,
  { change, table, where, limit }: SomeRows,
): Promise<number> {
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
