/**
 * The statements that read a table. Names come from the configuration and are always quoted; values are
 * always parameters.
 *
 * Pages follow a keyset (id, or modified and id), so inserted and deleted rows do not shift other rows. The
 * value of the last row is sent back exactly as the server wrote it, with the column's type and collation.
 */
import { escapeIdentifier } from 'pg';
import type { ReadRequest } from '../connector';
import type { TableConfig } from './config';
import { rejection } from './failures';
import { deletedMarkOf, idColumns, modifiedOf } from './table-keys';

/** The last row of the previous page. */
export interface Position {
  id: string[];
  /** Set in an incremental pass, unless the rows without a value have been reached. */
  modified: string | null;
  /** The number of rows of the next page, if it differs from the configured one. */
  limit: number | null;
}

export interface Statement {
  text: string;
  values: (string | number | null)[];
}

/** Which rows to read, in the order of the keyset. */
export type Selection =
  | { rows: 'all' }
  /** `since`: a text that the type of the column reads. */
  | { rows: 'modified'; since: string }
  | { rows: 'never_modified' };

/** Rows after one key, up to and including another one; null = without this end. */
export interface KeyRange {
  after: readonly string[] | null;
  upTo: readonly string[] | null;
}

type Parameter = (value: string | number) => string;

/** Texts of `deleted` that mean "not deleted": a boolean's, and those of flags in other forms. */
const ALIVE = ['f', 'false', '0', ''];

/** `"public"."staff"` */
export function qualifiedName(table: TableConfig, schemaByDefault: string): string {
  return `${escapeIdentifier(table.schema ?? schemaByDefault)}.${escapeIdentifier(table.table)}`;
}

/** True if only modified rows are read. A table without a modified column is read completely. */
export function isIncremental(table: TableConfig, { modifiedSince }: ReadRequest): boolean {
  return modifiedSince !== null && table.modified !== undefined;
}

/**
 * Each row: the id columns, modified (null where there is no such column), deleted as a boolean, then the
 * columns to read; none of these with `isKeysOnly`.
 */
export function pageStatement(
  table: TableConfig,
  from: string,
  selection: Selection,
  position: Position | null,
  limit: number,
  isKeysOnly: boolean,
  range: KeyRange | null = null,
): Statement {
  const { values, parameter } = collectValues();
  const [ids, modified] = [idColumns(table).map(column), modifiedColumn(table)];
  const keyset = selection.rows === 'modified' ? [modified, ...ids] : ids;

  const conditions = ids.map((id) => `${id} is not null`);
  if (selection.rows === 'modified') conditions.push(`${modified} >= ${parameter(selection.since)}`);
  else if (selection.rows === 'never_modified') conditions.push(`${modified} is null`);
  else if (table.deleted !== undefined) conditions.push(`not ${isDeleted(table, parameter)}`);
  if (position !== null) {
    const last = selection.rows === 'modified' ? [position.modified ?? '', ...position.id] : position.id;
    conditions.push(`(${keyset.join(', ')}) > (${last.map(parameter).join(', ')})`);
  }
  // With the columns' own collation, as the order of the pages.
  if (range?.after != null && position === null)
    conditions.push(`(${ids.join(', ')}) > (${range.after.map(parameter).join(', ')})`);
  if (range?.upTo != null)
    conditions.push(`(${ids.join(', ')}) <= (${range.upTo.map(parameter).join(', ')})`);
  const keys = [...ids, modified, isDeleted(table, parameter)].join(', ');
  const data = isKeysOnly
    ? ''
    : `, ${table.columns === undefined ? 't.*' : table.columns.map(column).join(', ')}`;
  return {
    text: [
      `select ${keys}${data} from ${from} t where ${conditions.join(' and ')}`,
      `order by ${keyset.join(', ')} limit ${parameter(limit)}`,
    ].join(' '),
    values,
  };
}

export function countStatement(table: TableConfig, from: string): Statement {
  const { values, parameter } = collectValues();
  const where = table.deleted === undefined ? '' : ` where not ${isDeleted(table, parameter)}`;
  return { text: `select count(*) from ${from} t${where}`, values };
}

/**
 * The number of rows without an id, up to `max`. They have no position in the keyset order, so they are
 * counted separately.
 */
export function withoutIdStatement(table: TableConfig, from: string, max: number): Statement {
  const { values, parameter } = collectValues();
  const also = table.deleted === undefined ? '' : ` and not ${isDeleted(table, parameter)}`;
  const missing = idColumns(table).map((name) => `${column(name)} is null`);
  return {
    text: `select count(*) from (select from ${from} t where (${missing.join(' or ')})${also} limit ${max}) found`,
    values,
  };
}

/** No row: only the types of the columns. */
export function typesStatement(names: readonly string[], from: string): string {
  return `select ${names.map(column).join(', ')} from ${from} t limit 0`;
}

/** Whether there are rows, and rows with a value in one of the columns. */
export function valuesStatement(names: readonly string[], from: string): string {
  const present = names.map((name) => `${column(name)} is not null`).join(' or ');
  return `select (exists (select from ${from} t))::text, (exists (select from ${from} t where ${present}))::text`;
}

/** An id that several rows share, if there is one. */
export function duplicateStatement(table: TableConfig, from: string): string {
  const ids = idColumns(table).map(column);
  const present = ids.map((id) => `${id} is not null`).join(' and ');
  return `select ${ids.join(', ')} from ${from} t where ${present} group by ${ids.join(', ')} having count(*) > 1 limit 1`;
}

export function writeCursor({ id, modified, limit }: Position): string {
  return JSON.stringify([id.length === 1 ? id[0] : id, modified, limit]);
}

/** `columns`: the number of id columns. */
export function readCursor(cursor: string | null, columns: number): Position | null {
  if (cursor === null) return null;
  try {
    const [text, modified, limit] = JSON.parse(cursor) as unknown[];
    const id: unknown[] = Array.isArray(text) ? text : [text];
    const isPosition =
      id.length === columns &&
      id.every((value) => typeof value === 'string') &&
      (typeof modified === 'string' || modified === null) &&
      (Number.isInteger(limit) || limit === null);
    if (isPosition) return { id, modified, limit: limit as number | null };
  } catch {
    // reported below
  }
  throw rejection(
    'unknown_cursor',
    'The cursor is not valid for this connector.',
    'Start a full sync of the record type.',
  );
}

/** The kind of the relation, and its size in blocks with those of its partitions; no size for views. */
export const SIZE = `
select c.relkind, (coalesce((select sum(pg_catalog.pg_relation_size(relid)) from pg_catalog.pg_partition_tree(c.oid)),
                     pg_catalog.pg_relation_size(c.oid)) / pg_catalog.current_setting('block_size')::int)::bigint
  from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass($1)`;

/** Whether there are so many rows. */
export function hasRowsStatement(from: string, rows: number): string {
  return `select (count(*) = ${rows})::text from (select from ${from} t limit ${rows}) found`;
}

/**
 * The ids that divide the rows into `parts` of about the same size. @param percent of the blocks are looked
 * at; undefined = all rows.
 */
export function boundsStatement(table: TableConfig, from: string, parts: number, percent?: number): string {
  const names = idColumns(table).map((name) => escapeIdentifier(name));
  const sample = percent === undefined ? '' : ` tablesample system (${percent})`;
  const places = Array.from({ length: parts - 1 }, (_, part) => `"#total" * ${part + 1} / ${parts}`);
  return `
select ${names.join(', ')} from (
  select ${names.join(', ')}, row_number() over (order by ${names.join(', ')}) as "#place", count(*) over () as "#total"
    from ${from} t${sample} where ${names.map((name) => `${name} is not null`).join(' and ')}) numbered
 where "#place" in (${places.join(', ')}) and "#place" < "#total" order by "#place"`;
}

export function writeRange({ after, upTo }: KeyRange): string {
  return JSON.stringify([after, upTo]);
}

/** `columns`: the number of id columns. */
export function readRange(range: string | undefined, columns: number): KeyRange | null {
  if (range === undefined) return null;
  const [after, upTo] = JSON.parse(range) as [string[] | null, string[] | null];
  if ([after, upTo].every((key) => key === null || key.length === columns)) return { after, upTo };
  throw rejection(
    'unknown_range',
    'The id columns were changed while the table was read.',
    'Start a full sync of the record type.',
  );
}

function collectValues(): { values: Statement['values']; parameter: Parameter } {
  const values: Statement['values'] = [];
  return { values, parameter: (value) => `$${values.push(value)}` };
}

function column(name: string): string {
  return `t.${escapeIdentifier(name)}`;
}

/** The latest of several columns; those without a value do not count. */
function modifiedColumn(table: TableConfig): string {
  const columns = (modifiedOf(table)?.columns ?? []).map(column);
  if (columns.length === 0) return 'null';
  return columns.length === 1 ? (columns[0] as string) : `greatest(${columns.join(', ')})`;
}

/** Never null. */
function isDeleted(table: TableConfig, parameter: Parameter): string {
  const mark = deletedMarkOf(table);
  if (mark === null) return 'false';
  const name = column(mark.column);
  // As text, because the column may be of any type.
  if (mark.values === undefined)
    return `(${name} is not null and ${name}::text not in (${ALIVE.map((text) => `'${text}'`).join(', ')}))`;
  const matches = mark.values.map((value) =>
    value === null ? `${name} is null` : `${name} = ${parameter(String(value))}`,
  );
  return `coalesce(${matches.join(' or ')}, false)`;
}
