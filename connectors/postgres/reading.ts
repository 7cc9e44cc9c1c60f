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
  countStatement,
  isDeletedMark,
  isIncremental,
  pageStatement,
  qualifiedName,
  readCursor,
  withoutIdStatement,
  writeCursor,
} from './page-query';
import { ANSWER_BYTES_MAX, type PostgresContext, type Rows, inSession } from './session';
import { findDecoders } from './values';

const SHRINK = 8;
const ROWS_WITHOUT_ID_MAX = 1_000;
/** The columns id, modified and deleted precede the requested columns. */
const KEYS = 3;

export async function readTablePage(request: ReadRequest, context: PostgresContext): Promise<ReadPage> {
  const { table, place } = findTable(context, request.recordType);
  const position = readCursor(request.cursor);
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
  const { text } = countStatement(table, place.table);
  return inSession(context, place, async (session) => Number((await session.query(text)).rows[0]?.[0]));
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
  const { table, place, request, position, limit, isKeysOnly } = reading;
  const { mappings } = context;
  return inSession(context, place, async (session) => {
    // Requests one extra row to detect a next page, except when a single row may already be too large.
    const asked = limit === 1 ? 1 : limit + 1;
    const statement = pageStatement(table, place.table, request, position, asked, isKeysOnly);
    const { columns, rows } = await session.query(statement.text, statement.values);
    if (!isKeysOnly) refuseMissingColumns(mappings[place.recordType], dataColumns(columns), place);
    const decoders = await findDecoders(session, columns);
    const isLast = rows.length < asked;
    const page = toRecords(reading, rows, (row) => toFields(columns, decoders, row));
    if (isLast && !isIncremental(table, request)) {
      const { text } = withoutIdStatement(table, place.table, ROWS_WITHOUT_ID_MAX);
      page.unreadable.push(...withoutId(Number((await session.query(text)).rows[0]?.[0]), place));
    }
    const nextCursor = isLast
      ? null
      : writeCursor(
          endOf(rows[limit - 1] as Rows['rows'][number], nextLimit(limit, session.bytesRead(), context)),
        );
    return { ...page, nextCursor, asOf: session.now, total: null };
  });
}

function toRecords(
  { place, limit, isKeysOnly }: Reading,
  rows: Rows['rows'],
  fieldsOf: (row: Rows['rows'][number]) => JsonObject,
) {
  const [records, unreadable, seen]: [RemoteRecord[], UnreadableRecord[], Set<string>] = [[], [], new Set()];
  rows.forEach((row, index) => {
    const [remoteId = null, modified, deleted = null] = row;
    // The row past the limit belongs to the next page, unless that would begin behind it.
    const previous = rows[index - 1];
    if (index === limit && !(previous?.[0] === remoteId && previous[1] === modified)) return;
    if (remoteId === null) return; // counted apart
    if (seen.has(remoteId)) unreadable.push(duplicate(remoteId, place));
    else if (isKeysOnly) unreadable.push(tooLarge(remoteId, place));
    else {
      const isDeleted = isDeletedMark(deleted);
      records.push({
        remoteId,
        remoteVersion: null,
        fields: isDeleted ? {} : fieldsOf(row),
        externalId: null,
        isDeleted,
      });
    }
    seen.add(remoteId);
  });
  return { records, unreadable };
}

function toFields(
  columns: Rows['columns'],
  decoders: readonly ((text: string) => JsonValue)[],
  row: Rows['rows'][number],
): JsonObject {
  const fields: JsonObject = {};
  for (let index = KEYS; index < columns.length; index += 1) {
    const value = row[index] ?? null;
    const name = (columns[index] as Rows['columns'][number]).name;
    if (name !== '__proto__')
      fields[name] = value === null ? null : (decoders[index] as (text: string) => JsonValue)(value);
  }
  return fields;
}

function dataColumns(columns: Rows['columns']): Set<string> {
  return new Set(columns.slice(KEYS).map(({ name }) => name));
}

function endOf([id, modified]: Rows['rows'][number], limit: number | null): Position {
  return { id: id ?? '', modified: modified ?? null, limit };
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
