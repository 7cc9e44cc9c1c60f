/** Pages of lists that examine a bounded number of rows for each page (rules.md 60). */
import { type Compilable, type RawBuilder, sql } from 'kysely';
import type { Work } from '../database';
import { inIndexOrder } from './index-order';

interface ExaminedPage<Row, Position> {
  /** The page, in order: at most `limit` rows. */
  page: Compilable<Row> | RawBuilder<Row>;
  /** One value: the position of the last row that the page may examine; none if there are fewer. */
  end: Compilable | RawBuilder<Position>;
  limit: number;
}

/**
 * One statement, so that the end is where this page ended: rows that leave the list meanwhile would move it
 * behind rows that no page has examined. `examinedTo`: undefined if the page is full, or the last one.
 */
export async function readExamined<Row extends object, Position>(
  work: Pick<Work, 'trx'>,
  { page, end, limit }: ExaminedPage<Row, Position>,
): Promise<{ rows: Row[]; examinedTo: Position | undefined }> {
  const statement = sql<Row & { rowAt: number | null; examinedTo: Position | null }>`
    with page as materialized (select *, row_number() over () as row_at from (${page}) page)
    select page.*, examined.to_position as examined_to
    from (select case when (select count(*) from page) < ${limit} then (${end}) end as to_position) examined
    left join page on true
    order by page.row_at`;
  const { rows } = await inIndexOrder(work, () => statement.execute(work.trx));
  return {
    rows: rows.flatMap((joined) => {
      const { rowAt, examinedTo: _, ...row } = joined;
      return rowAt === null ? [] : [row as unknown as Row];
    }),
    examinedTo: rows[0]?.examinedTo ?? undefined,
  };
}
