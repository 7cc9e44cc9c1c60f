/**
 * The inspection of a mapped table while an integration is linked. Throws `RecordRejected` for what no run
 * could read, or could not read correctly.
 */
import { RecordRejected, Unavailable } from '../errors';
import type { TableConfig } from './config';
import { type Place, rejection } from './failures';
import { duplicateStatement, typesStatement, valuesStatement } from './page-query';
import { findTable, readTablePage } from './reading';
import { type PostgresContext, inSession } from './session';
import { idColumns, type Modified, modifiedOf, refuseModifiedType, remoteIdOf } from './table-keys';

/** Tables and partitioned tables: they can always have a unique index. */
const TABLES = ['r', 'p'];
/** A person waits for the result. */
const COMPARISON_TIMEOUT_MS = 3_000;

/** The kind of the relation, and the columns of each index that makes rows unique. */
const UNIQUE_INDEXES = `
select c.relkind,
       (select json_agg((select json_agg(a.attname)
                           from pg_catalog.unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) key
                           join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = key))
          from pg_catalog.pg_index i
         where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null)
  from pg_catalog.pg_class c
 where c.oid = pg_catalog.to_regclass($1)`;

export async function inspectTable(recordType: string, context: PostgresContext): Promise<void> {
  const { table, place } = findTable(context, recordType);
  const one = { ...context, config: { ...context.config, page_size: 1 } };
  await namingSetting('modified', refuseModified(table, place, context));
  await readTablePage({ recordType, modifiedSince: null, cursor: null }, one);
  await readTablePage({ recordType, modifiedSince: new Date(), cursor: null }, one);
  await namingSetting('id', refuseSharedIds(table, place, context));
}

const ABOUT_COLUMNS = ['undefined_column', 'modified_type', 'modified_empty', 'id_not_unique'];

/** Adds the setting to an error about its columns. */
async function namingSetting(setting: string, inspecting: Promise<void>): Promise<void> {
  try {
    await inspecting;
  } catch (error) {
    if (error instanceof RecordRejected && ABOUT_COLUMNS.includes(error.errors[0]?.code ?? ''))
      error.setting = setting;
    throw error;
  }
}

async function refuseModified(table: TableConfig, place: Place, context: PostgresContext): Promise<void> {
  const modified = modifiedOf(table);
  if (modified === null) return;
  const { columns } = await inSession(context, place, (session) =>
    session.query(typesStatement(modified.columns, place.table)),
  );
  for (const { oid } of columns) refuseModifiedType(modified, oid, place);
  if (new Set(columns.map(({ oid }) => oid)).size <= 1) return refuseEmptyModified(modified, place, context);
  throw rejection(
    'modified_type',
    `The modified columns of ${place.table} (record type ${place.recordType}) have different types.`,
    'Choose columns of the same type.',
  );
}

/** Every run reads rows without a value, so a column without any value cannot select changed rows. */
async function refuseEmptyModified(
  { columns }: Modified,
  place: Place,
  context: PostgresContext,
): Promise<void> {
  const rows = await inTime(context, place, valuesStatement(columns, place.table));
  const [hasRows, hasValues] = rows?.[0] ?? [];
  if (hasRows !== 'true' || hasValues !== 'false') return;
  const names = columns.map((name) => JSON.stringify(name)).join(', ');
  throw rejection(
    'modified_empty',
    `No row of ${place.table} (record type ${place.recordType}) has a value in ${names}.`,
    'Choose a column with the time of the last change, or omit modified; then every run reads all rows.',
  );
}

/** The catalog knows about tables. The rows of views have to be compared. */
async function refuseSharedIds(table: TableConfig, place: Place, context: PostgresContext): Promise<void> {
  const ids = idColumns(table);
  const [kind = null, indexes = null] = await inSession(
    context,
    place,
    async (session) => (await session.query(UNIQUE_INDEXES, [place.table])).rows[0] ?? [],
  );
  const unique = indexes === null ? [] : (JSON.parse(indexes) as string[][]);
  if (unique.some((columns) => columns.every((name) => ids.includes(name)))) return;
  const isTable = kind !== null && TABLES.includes(kind);
  const shared = isTable ? undefined : await findSharedId(table, place, context);
  if (isTable || shared !== undefined) throw notUnique(ids, place, shared);
}

/** undefined also if the comparison takes too long: the runs then report rows that share an id. */
async function findSharedId(
  table: TableConfig,
  place: Place,
  context: PostgresContext,
): Promise<string | undefined> {
  const [row] = (await inTime(context, place, duplicateStatement(table, place.table))) ?? [];
  return row === undefined ? undefined : remoteIdOf(row.map((text) => text ?? ''));
}

/** @returns undefined if the statement takes too long. */
export async function inTime(
  context: PostgresContext,
  place: Place,
  statement: string,
  values: readonly string[] = [],
) {
  try {
    const { rows } = await inSession(context, place, async (session) => {
      await session.query(`set local statement_timeout = ${COMPARISON_TIMEOUT_MS}`);
      return session.query(statement, values);
    });
    return rows;
  } catch (error) {
    if (error instanceof Unavailable) return undefined;
    throw error;
  }
}

function notUnique(ids: readonly string[], { table, recordType }: Place, shared: string | undefined) {
  const names = ids.map((name) => JSON.stringify(name)).join(', ');
  const finding =
    shared === undefined ? 'there is no unique index' : `several rows have the id ${JSON.stringify(shared)}`;
  return rejection(
    'id_not_unique',
    `The id ${names} of ${table} (record type ${recordType}) is not unique: ${finding}.`,
    'Choose the primary key, or a list of columns that is unique.',
  );
}
