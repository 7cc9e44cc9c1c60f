/**
 * The tables as the catalog describes them: columns, types, not null, and the values of enums and of simple
 * check lists as picklists.
 */
import type { RecordType, RecordTypeField } from '../../domain/records/record-type';
import type { PostgresConfig, TableConfig } from './config';
import { rejection } from './failures';
import { type PostgresContext, type Session, inSession } from './session';
import { findTable } from './reading';
import { deletedMarkOf, idColumns, modifiedOf } from './table-keys';

/** The type of a domain is its base type. */
const COLUMNS = `
select a.attname, base.typname, base.typcategory, a.attnotnull or own.typnotnull,
       case when base.typtype = 'e' then
         (select json_agg(e.enumlabel order by e.enumsortorder) from pg_catalog.pg_enum e where e.enumtypid = base.oid) end,
       (select json_agg(pg_catalog.pg_get_constraintdef(c.oid)) from pg_catalog.pg_constraint c
         where c.contype = 'c' and ((c.conrelid = a.attrelid and c.conkey = array[a.attnum]) or (c.contypid = own.oid and c.contypid <> 0)))
  from pg_catalog.pg_attribute a
  join pg_catalog.pg_type own on own.oid = a.atttypid
  join pg_catalog.pg_type base on base.oid = coalesce(nullif(own.typbasetype, 0), own.oid)
 where a.attrelid = pg_catalog.to_regclass($1) and a.attnum > 0 and not a.attisdropped
 order by a.attnum`;

const TYPES: Record<string, RecordTypeField['type']> = {
  bool: 'boolean',
  int2: 'number',
  int4: 'number',
  int8: 'number',
  numeric: 'number',
  float4: 'number',
  float8: 'number',
  money: 'number',
  date: 'date',
  timestamp: 'datetime',
  timestamptz: 'datetime',
  json: 'object',
  jsonb: 'object',
};

/** Only from the configuration, without a query. */
export function configuredRecordType(name: string, table: TableConfig): RecordType {
  const [ids, times, mark] = [idColumns(table), modifiedOf(table)?.columns ?? [], deletedMarkOf(table)];
  const columns = table.columns ?? [...new Set([...ids, ...times, ...(mark === null ? [] : [mark.column])])];
  const fields = columns.map((column) =>
    toField(column, times.includes(column) ? 'datetime' : 'string', ids.includes(column)),
  );
  return { name, label: table.label ?? labelOf(name), fields };
}

export function describeTables(context: PostgresContext): Promise<RecordType[]> {
  return inSession(context, null, async (session) => {
    const types: RecordType[] = [];
    for (const recordType of Object.keys(context.config.record_types))
      types.push(await describeTable(session, context.config, recordType));
    return types;
  });
}

async function describeTable(
  session: Session,
  config: PostgresConfig,
  recordType: string,
): Promise<RecordType> {
  const { table, place } = findTable({ config }, recordType);
  const { rows } = await session.query(COLUMNS, [place.table]);
  if (rows.length === 0) {
    const explanation = 'Restore the table, correct the configuration, or remove the record type.';
    throw rejection(
      'undefined_table',
      `The table ${place.table} (record type ${recordType}) does not exist.`,
      explanation,
    );
  }
  const read = rows.filter(([column]) => table.columns?.includes(column as string) ?? true);
  const fields = read.map(([column, type, category, isRequired, labels, checks]): RecordTypeField => {
    const values = labels
      ? (JSON.parse(labels) as string[])
      : findValues(checks ? (JSON.parse(checks) as string[]) : []);
    const kind = category === 'A' ? 'array' : (TYPES[type as string] ?? 'string');
    return toField(column as string, kind, isRequired === 't', kind === 'string' ? values : undefined);
  });
  return { ...configuredRecordType(recordType, table), fields };
}

/**
 * `CHECK ((grade = ANY (ARRAY['junior'::text, 'senior'::text])))`, in the forms that the catalog gives `grade
 * in ('junior', 'senior')`.
 */
function findValues(checks: readonly string[]): string[] | undefined {
  for (const check of checks) {
    const list =
      /^CHECK \(\(+[^=<>()']+(?:\)::[a-z ]+)? = ANY \(+ARRAY\[(.*?)\]\)?(?:::[a-z ]+\[\])?\)+(?: NOT VALID)?$/s.exec(
        check,
      )?.[1];
    if (list === undefined) continue;
    const items = [...list.matchAll(/\(?'((?:[^']|'')*)'::[a-z ]+(?:\)::[a-z ]+)?(?:, |$)/gy)];
    if (items.map(([item]) => item).join('') === list && items.length > 0)
      return items.map(([, value]) => (value as string).replaceAll("''", "'"));
  }
  return undefined;
}

function toField(
  column: string,
  type: RecordTypeField['type'],
  isRequired: boolean,
  values?: string[],
): RecordTypeField {
  // A name that begins with a slash would be read as a JSON Pointer.
  const name = column.startsWith('/') ? `/${column.replaceAll('~', '~0').replaceAll('/', '~1')}` : column;
  return {
    name,
    label: labelOf(column),
    type: values ? 'picklist' : type,
    isRequired,
    ...(values ? { values } : {}),
  };
}

/** `first_name` → `First name` */
function labelOf(name: string): string {
  const words = name.replaceAll('_', ' ').trim() || name;
  return (words[0] as string).toUpperCase() + words.slice(1);
}
