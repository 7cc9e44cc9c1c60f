/**
 * Divides a table into ranges of its id that hold about the same number of rows. The bounds come from a
 * sample of the rows, in the order of the pages; those of a view from all its rows, if that is quick. The
 * first range has no beginning and the last one no end, so new rows belong to one of them.
 */
import type { RangesRequest } from '../list-ranges';
import { ConnectorError } from '../errors';
import { inTime } from './inspection';
import { boundsStatement, hasRowsStatement, SIZE, writeRange } from './page-query';
import { findTable } from './reading';
import type { PostgresContext } from './session';

/** Tables, partitioned tables and materialized views. */
const SAMPLED = ['r', 'p', 'm'];
const BLOCKS = 500;

/** null: the table has too few rows, or cannot be divided quickly. */
export async function divideTable(
  { recordType, atMost, fromRecords }: RangesRequest,
  context: PostgresContext,
): Promise<string[] | null> {
  const { table, place } = findTable(context, recordType);
  try {
    const [enough] = (await inTime(context, place, hasRowsStatement(place.table, fromRecords))) ?? [];
    if (enough?.[0] !== 'true') return null;
    const [size] = (await inTime(context, place, SIZE, [place.table])) ?? [];
    const percent = SAMPLED.includes(size?.[0] ?? '') ? percentOf(Number(size?.[1] ?? 0)) : undefined;
    const bounds = await inTime(context, place, boundsStatement(table, place.table, atMost, percent));
    return bounds === undefined ? null : rangesBetween(bounds as string[][]);
  } catch (error) {
    // Reading in one piece shows what is wrong.
    if (error instanceof ConnectorError) return null;
    throw error;
  }
}

const percentOf = (blocks: number): number => Math.min(100, (100 * BLOCKS) / Math.max(blocks, 1));

function rangesBetween(bounds: readonly string[][]): string[] {
  const different = bounds.filter((key, index) => JSON.stringify(key) !== JSON.stringify(bounds[index - 1]));
  const ends = [null, ...different, null];
  return ends.slice(1).map((upTo, index) => writeRange({ after: ends[index] ?? null, upTo }));
}
