/**
 * Many rows in one statement: sent as one JSON text, read by PostgreSQL as a table called `row`.
 * Cheaper than a parameter per value, and the same text for one row and a thousand (so its plan is reused).
 */
import { type RawBuilder, sql } from 'kysely';

/** `columns`: a constant column list with types, in snake_case; the rows' keys are the same names. */
export function rowsFrom(rows: readonly object[], columns: string): RawBuilder<unknown> {
  return sql`json_to_recordset(${JSON.stringify(rows)}::json) as row(${sql.raw(columns)})`;
}
