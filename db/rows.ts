/**
 * Many rows in one statement: sent as one JSON text, read by PostgreSQL as a table called `row`.
 * Cheaper than a parameter per value, and the same text for one row and a thousand (so its plan is reused).
 *
 * Rows that are met by their whole key are read with `cross join lateral (… limit 1)` and written with `insert … on conflict
 * do update`, not joined: the plan of a join rests on statistics, and a tenant that has just loaded its records is not in
 * them yet. PostgreSQL then takes it for a tenant with one row and reads all its rows once per batch (10,000 pushes: 2.6 s
 * against 0.9 s; 100,000: 126 s against 11 s).
 */
import { type RawBuilder, sql } from 'kysely';

/** `columns`: a constant column list with types, in snake_case; the rows' keys are the same names. */
export function rowsFrom(rows: readonly object[], columns: string): RawBuilder<unknown> {
  return sql`json_to_recordset(${JSON.stringify(rows)}::json) as row(${sql.raw(columns)})`;
}
