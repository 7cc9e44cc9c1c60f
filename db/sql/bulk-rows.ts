/**
 * Many rows in one statement: sent as one array per column and read by PostgreSQL as a table called `row`. It
 * is cheaper than a parameter per value or JSON (half the time of json_to_recordset). The statement is the
 * same for any number of rows, so its plan is reused.
 *
 * Plans must not depend on statistics about one tenant. A tenant that has just loaded its records is not in
 * the statistics and is assumed to have one row; then all its rows are read once per batch or per row
 * (100,000 pushes: 126 s instead of 11 s). Therefore rows found by their whole key are read with `cross join
 * lateral (… limit 1)`; the limit, or `offset 0` for several rows, keeps the planner from making a join of
 * it. They are written with `insert … on conflict do update`, or with `update … where key = any(idList)`,
 * beside a join if the values differ (`keysOf`). `(select true … limit 1) is null` replaces `not exists`,
 * which would become a join, too. Where many rows of a tenant match, its id is passed through
 * `opaqueToPlanner`. test/plans tells what misses this.
 *
 * A column that has the same value in every row is sent once: in a batch most columns have. Ids are not:
 * with one id for all rows, a join by the whole key may read all rows of that id.
 */
import { type RawBuilder, sql } from 'kysely';
import { arrayParameter } from './binary-arrays';

/** An id that the planner does not look up in the statistics: it assumes a tenant of average size. */
export function opaqueToPlanner(id: string): RawBuilder<string> {
  return sql`(select ${id}::uuid)`;
}

/**
 * The ids for `= any(…)`. The planner does not see how many there are: instead of looking up a long list,
 * PostgreSQL before 17 reads all rows of a tenant that has few in the statistics, and 18 still does of some
 * tables.
 */
export function idList(ids: readonly string[]): RawBuilder<string[]> {
  return sql`array(select unnest(${arrayParameter(ids, 'uuid')}::uuid[]))`;
}

/** As `idList`: the ids of rows. */
export function keysOf<K extends string>(rows: readonly Record<K, string>[], key: K): RawBuilder<string[]> {
  return idList(rows.map((row) => row[key]));
}

interface Column {
  name: string;
  type: string;
}

const known = new Map<string, Column[]>();

/**
 * `columns`: a constant list of columns with types, in snake_case; the keys of the rows have the same names.
 */
export function rowsFrom(rows: readonly object[], columns: string): RawBuilder<unknown> {
  const sent = parse(columns).map(({ name, type }) => {
    const values = rows.map((row) => (row as Record<string, unknown>)[name]);
    const isConstant = type !== 'uuid' && values.length > 1 && isSameInAll(values);
    return { name, type, values, isConstant };
  });
  const [first] = sent;
  if (first !== undefined && sent.every(({ isConstant }) => isConstant)) first.isConstant = false;
  const lists = sent.filter(({ isConstant }) => !isConstant);
  // unnest would flatten an array of arrays, so an inner array is sent as text. It is called in the select
  // list, because in the from clause PostgreSQL first stores the rows of each array.
  const arrays = lists.map(
    ({ name, type, values }) =>
      sql`unnest(${parameterOf(values, type)}::${sql.raw(sentAs(type))}[]) as ${sql.raw(name)}`,
  );
  const selected = sent.map(({ name, type, values, isConstant }) =>
    isConstant
      ? sql`(select (${parameterOf(values.slice(0, 1), type)}::${sql.raw(sentAs(type))}[])[1]::${sql.raw(type)}) as ${sql.raw(name)}`
      : sql.raw(type === sentAs(type) ? name : `${name}::${type}`),
  );
  return sql`(select ${sql.join(selected)} from (select ${sql.join(arrays)}) as sent) as row`;
}

function isSameInAll([first, ...others]: readonly unknown[]): boolean {
  return others.every((value) => isSame(first, value));
}

/** May miss values that are equal, and finds no different ones equal. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a instanceof Date) return b instanceof Date && a.getTime() === b.getTime();
  return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((one, at) => one === b[at]);
}

const sentAs = (type: string): string => (type.endsWith('[]') ? 'text' : type);

function parameterOf(values: readonly unknown[], type: string): Buffer {
  if (!type.endsWith('[]')) return arrayParameter(values, type);
  const texts = values.map((value) =>
    value === null || value === undefined ? null : arrayText(value as unknown[]),
  );
  return arrayParameter(texts, 'text');
}

function parse(columns: string): Column[] {
  const parsed =
    known.get(columns) ??
    columns.split(',').map((column) => {
      const [name = '', type = ''] = column.trim().split(/\s+/);
      return { name, type };
    });
  known.set(columns, parsed);
  return parsed;
}

/** PostgreSQL's text form of an array, for a list within a list. */
function arrayText(values: readonly unknown[]): string {
  const elements = values.map((value) => {
    if (value === null || value === undefined) return 'NULL';
    return quoted(typeof value === 'string' ? value : JSON.stringify(value));
  });
  return `{${elements.join(',')}}`;
}

const quoted = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
