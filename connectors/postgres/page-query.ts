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

/** The last row of the previous page. */
export interface Position {
  id: string;
  /** Set in an incremental pass. */
  modified: string | null;
  /** The number of rows of the next page, if it differs from the configured one. */
  limit: number | null;
}

export interface Statement {
  text: string;
  values: (string | number | null)[];
}

/** Texts of `deleted` that mean "not deleted": a boolean's, and those of flags in other forms. */
const ALIVE = ['f', 'false', '0', ''];

/** `"public"."staff"` */
export function qualifiedName(table: TableConfig, schemaByDefault: string): string {
  return `${escapeIdentifier(table.schema ?? schemaByDefault)}.${escapeIdentifier(table.table)}`;
}

export function isDeletedMark(value: string | null): boolean {
  return value !== null && !ALIVE.includes(value);
}

/** True if only modified rows are read. A table without a modified column is read completely. */
export function isIncremental(table: TableConfig, { modifiedSince }: ReadRequest): boolean {
  return modifiedSince !== null && table.modified !== undefined;
}

/**
 * Each row: id, modified, deleted (null where there is no such column), then the columns to read; none of
 * these with `isKeysOnly`.
 */
export function pageStatement(
  table: TableConfig,
  from: string,
  request: ReadRequest,
  position: Position | null,
  limit: number,
  isKeysOnly: boolean,
): Statement {
  const [id, modified, deleted] = [table.id, table.modified, table.deleted].map(column);
  const byModified = isIncremental(table, request);
  const [values, conditions]: [Statement['values'], string[]] = [[], []];
  const parameter = (value: string | number) => `$${values.push(value)}`;

  if (byModified)
    conditions.push(`${modified} >= ${parameter((request.modifiedSince as Date).toISOString())}`);
  else if (table.deleted !== undefined) conditions.push(alive(table.deleted));
  if (position !== null && byModified)
    conditions.push(
      `(${modified}, ${id}) > (${parameter(position.modified ?? '')}, ${parameter(position.id)})`,
    );
  if (position !== null && !byModified) conditions.push(`${id} > ${parameter(position.id)}`);
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')} `;
  const order = byModified ? `${modified}, ${id}` : id;
  const keys = [id, modified, deleted].join(', ');
  const data = isKeysOnly
    ? ''
    : `, ${table.columns === undefined ? 't.*' : table.columns.map(column).join(', ')}`;
  return {
    text: `select ${keys}${data} from ${from} t ${where}order by ${order} limit ${parameter(limit)}`,
    values,
  };
}

export function countStatement(table: TableConfig, from: string): Statement {
  return {
    text: `select count(*) from ${from} t${table.deleted === undefined ? '' : ` where ${alive(table.deleted)}`}`,
    values: [],
  };
}

/**
 * The number of rows without an id, up to `max`. They have no position in the keyset order, so they are
 * counted separately.
 */
export function withoutIdStatement(table: TableConfig, from: string, max: number): Statement {
  const also = table.deleted === undefined ? '' : ` and ${alive(table.deleted)}`;
  return {
    text: `select count(*) from (select from ${from} t where ${column(table.id)} is null${also} limit ${max}) found`,
    values: [],
  };
}

export function writeCursor({ id, modified, limit }: Position): string {
  return JSON.stringify([id, modified, limit]);
}

export function readCursor(cursor: string | null): Position | null {
  if (cursor === null) return null;
  try {
    const [id, modified, limit] = JSON.parse(cursor) as unknown[];
    const isPosition =
      typeof id === 'string' &&
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

function column(name: string | undefined): string {
  return name === undefined ? 'null' : `t.${escapeIdentifier(name)}`;
}

/** As text, because the column may be of any type. */
function alive(deleted: string): string {
  return `(${column(deleted)} is null or ${column(deleted)}::text in (${ALIVE.map((text) => `'${text}'`).join(', ')}))`;
}
