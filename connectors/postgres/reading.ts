/**
 * Reads one page of a table, and counts the table. A page that is too large is read again with fewer rows;
 * the cursor keeps the page size that worked.
 */
import type { JsonObject, JsonValue } from '../../domain/json';
import type { ReadPage, ReadRequest, RemoteRecord, UnreadableRecord } from '../connector';
import type { TableConfig } from './config';
import { AnswerTooLarge, type Place, rejection } from './failures';
import { refuseMissingColumns } from './mapped-columns';
import {
  type Position,
  type Selection,
  countStatement,
  isIncremental,
  pageStatement,
  qualifiedName,
  readCursor,
  readRange,
  withoutIdStatement,
  writeCursor,
} from './page-query';
import type { Rows } from './isolation/messages';
import { ANSWER_BYTES_MAX, type PostgresContext, type Session, inSession } from './session';
import {
  type Modified,
  idColumns,
  modifiedOf,
  refuseModifiedType,
  remoteIdOf,
  toEpoch,
  toInstant,
} from './table-keys';
import { findDecoders, isPadded, trimPadding } from './values';

const SHRINK = 8;
const ROWS_WITHOUT_ID_MAX = 1_000;
/** The columns modified and deleted follow the id columns; the requested columns come last. */
const MARKS = 2;

export async function readTablePage(request: ReadRequest, context: PostgresContext): Promise<ReadPage> {
  const { table, place } = findTable(context, request.recordType);
  const position = readCursor(request.cursor, idColumns(table).length);
  let limit = Math.min(position?.limit ?? context.config.page_size, context.config.page_size);
  for (;;) {
    try {
      return await readRows({ table, place, request, position, limit, isKeysOnly: false }, context);
    } catch (error) {
      if (!(error instanceof AnswerTooLarge)) throw error;
    }
    if (limit === 1) return readRows({ table, place, request, position, limit, isKeysOnly: true }, context);
    limit = Math.max(1, Math.floor(limit / SHRINK));
  }
}

export async function countTable(recordType: string, context: PostgresContext): Promise<number> {
  const { table, place } = findTable(context, recordType);
  const { text, values } = countStatement(table, place.table);
  return inSession(context, place, async (session) =>
    Number((await session.query(text, values)).rows[0]?.[0]),
  );
}

/** The table of a record type. Throws `RecordRejected` if the configuration has none. */
export function findTable(
  { config }: Pick<PostgresContext, 'config'>,
  recordType: string,
): { table: TableConfig; place: Place } {
  const table = Object.hasOwn(config.record_types, recordType) ? config.record_types[recordType] : undefined;
  if (table) return { table, place: { recordType, table: qualifiedName(table, config.schema) } };
  throw rejection(
    'unknown_record_type',
    `The configuration has no record type ${recordType}.`,
    'Add it there, or remove it from the mappings.',
  );
}

interface Reading {
  table: TableConfig;
  place: Place;
  request: ReadRequest;
  position: Position | null;
  limit: number;
  isKeysOnly: boolean;
}

function readRows(reading: Reading, context: PostgresContext): Promise<ReadPage> {
  const { table, place, request, limit, isKeysOnly } = reading;
  const { mappings } = context;
  const keys = idColumns(table).length + MARKS;
  return inSession(context, place, async (session) => {
    // One row more tells whether there is a next page; not where a single row may be too large already.
    const asked = limit === 1 ? 1 : limit + 1;
    const { columns, rows } = await select(session, reading, asked);
    if (!isKeysOnly) refuseMissingColumns(mappings[place.recordType], dataColumns(columns, keys), place);
    const decoders = await findDecoders(session, columns);
    const isLast = rows.length < asked;
    const page = toRecords(
      reading,
      rows.map((row) => toKeys(row, columns, keys)),
      (index) => toFields(columns, decoders, rows[index] as Rows['rows'][number], keys),
    );
    const isFirstRange = readRange(request.range, idColumns(table).length)?.after == null;
    if (isLast && isFirstRange && !isIncremental(table, request)) {
      const { text, values } = withoutIdStatement(table, place.table, ROWS_WITHOUT_ID_MAX);
      page.unreadable.push(...withoutId(Number((await session.query(text, values)).rows[0]?.[0]), place));
    }
    const next = nextLimit(limit, session.bytesRead(), context);
    const nextCursor = isLast
      ? null
      : writeCursor(endOf(rows[limit - 1] as Rows['rows'][number], next, keys));
    return { ...page, nextCursor, asOf: session.horizon, total: null };
  });
}

/** The rows of a page: all, or the modified ones in their order and after them those never modified. */
async function select(session: Session, reading: Reading, asked: number): Promise<Rows> {
  const { table, place, request, position, isKeysOnly } = reading;
  const range = readRange(request.range, idColumns(table).length);
  const query = async (selection: Selection, after: Position | null, limit: number) => {
    const { text, values } = pageStatement(table, place.table, selection, after, limit, isKeysOnly, range);
    return session.query(text, values);
  };
  const modified = modifiedOf(table);
  if (request.modifiedSince === null || modified === null) return query({ rows: 'all' }, position, asked);
  if (position !== null && position.modified === null)
    return query({ rows: 'never_modified' }, position, asked);
  const earlier = new Date(request.modifiedSince.getTime() - table.overlap_minutes * 60_000);
  const since = await asColumnText(session, earlier, modified);
  const read = await query({ rows: 'modified', since }, position, asked);
  refuseModifiedType(modified, (read.columns[idColumns(table).length] as Rows['columns'][number]).oid, place);
  if (read.rows.length === asked) return read;
  const rest = await query({ rows: 'never_modified' }, null, asked - read.rows.length);
  return { columns: read.columns, rows: [...read.rows, ...rest.rows] };
}

/**
 * An instant as the column writes it. When clocks are set back, the local time of later changes is earlier:
 * the text is then earlier by the same amount.
 */
async function asColumnText(session: Session, since: Date, { timeZone, unit }: Modified): Promise<string> {
  if (unit !== undefined) return toEpoch(since, unit);
  const instant = since.toISOString();
  if (timeZone === undefined) return instant;
  const { rows } = await session.query(
    `select least($1::timestamptz at time zone $2::text,
                  ($1::timestamptz + interval '3 hours') at time zone $2::text - interval '3 hours')`,
    [instant, timeZone],
  );
  return rows[0]?.[0] as string;
}

interface Keys {
  remoteId: string | null;
  modified: string | null;
  isDeleted: boolean;
}

function toKeys(row: Rows['rows'][number], columns: Rows['columns'], keys: number): Keys {
  const ids = row.slice(0, keys - MARKS).map((text, index) => {
    const { oid } = columns[index] as Rows['columns'][number];
    return text !== null && isPadded(oid) ? trimPadding(text) : text;
  });
  const [modified = null, deleted] = row.slice(keys - MARKS);
  const remoteId = ids.every((text) => text !== null) ? remoteIdOf(ids) : null;
  return { remoteId, modified, isDeleted: deleted === 't' };
}

function toRecords(
  { table, place, limit, isKeysOnly }: Reading,
  rows: readonly Keys[],
  fieldsOf: (index: number) => JsonObject,
) {
  const [records, unreadable, seen]: [RemoteRecord[], UnreadableRecord[], Set<string>] = [[], [], new Set()];
  rows.forEach(({ remoteId, modified, isDeleted }, index) => {
    // The row past the limit belongs to the next page, unless that would begin behind it.
    const previous = rows[index - 1];
    if (index === limit && !(previous?.remoteId === remoteId && previous.modified === modified)) return;
    if (remoteId === null) return; // counted apart
    if (seen.has(remoteId)) unreadable.push(duplicate(remoteId, place));
    else if (isKeysOnly) unreadable.push(tooLarge(remoteId, place));
    else {
      const fields = isDeleted ? {} : fieldsOf(index);
      const modifiedAt = toInstant(modified, modifiedOf(table));
      records.push({ remoteId, remoteVersion: null, fields, externalId: null, isDeleted, modifiedAt });
    }
    seen.add(remoteId);
  });
  return { records, unreadable };
}

function toFields(
  columns: Rows['columns'],
  decoders: readonly ((text: string) => JsonValue)[],
  row: Rows['rows'][number],
  keys: number,
): JsonObject {
  const fields: JsonObject = {};
  for (let index = keys; index < columns.length; index += 1) {
    const value = row[index] ?? null;
    const name = (columns[index] as Rows['columns'][number]).name;
    if (name !== '__proto__')
      fields[name] = value === null ? null : (decoders[index] as (text: string) => JsonValue)(value);
  }
  return fields;
}

function dataColumns(columns: Rows['columns'], keys: number): Set<string> {
  return new Set(columns.slice(keys).map(({ name }) => name));
}

function endOf(row: Rows['rows'][number], limit: number | null, keys: number): Position {
  const id = row.slice(0, keys - MARKS).map((text) => text ?? '');
  return { id, modified: row[keys - MARKS] ?? null, limit };
}

/** The page size grows again slowly after the wide rows. */
function nextLimit(limit: number, bytesRead: number, { config }: PostgresContext): number | null {
  const next = bytesRead < ANSWER_BYTES_MAX / 4 ? limit * 2 : limit;
  return next >= config.page_size ? null : next;
}

function withoutId(count: number, { table }: Place): UnreadableRecord[] {
  const message = `A row of ${table} has no value in the id column. Set the value, or choose another id column.`;
  return Array.from({ length: count }, () => ({ remoteId: null, code: 'no_id', message }));
}

function duplicate(remoteId: string, { table }: Place): UnreadableRecord {
  const message = [
    `${table} has several rows with the id ${JSON.stringify(remoteId)}, and only one was read.`,
    'The id column must be unique.',
  ].join(' ');
  return { remoteId, code: 'duplicate_id', message };
}

function tooLarge(remoteId: string, { table }: Place): UnreadableRecord {
  const message = [
    `The row ${JSON.stringify(remoteId)} of ${table} is larger than ${ANSWER_BYTES_MAX / 1024 / 1024} MiB.`,
    'Exclude large columns with "columns".',
  ].join(' ');
  return { remoteId, code: 'too_large', message };
}
