/**
 * Reads a table of a tenant in the order of its key, some rows at a time, and erases what names the records
 * of an erasure: whole rows, or texts in rows of others. Repeating a step changes nothing.
 */
import { type RawBuilder, sql } from 'kysely';
import { ESCAPED } from '../../domain/erasures/readings';
import type { RedactedColumn } from '../../domain/erasures/redaction';
import type { TenantWork } from '../database';
import { readInOrder } from '../sql/index-order';
import type { ErasureItems } from './erasure-items';
import { PERSONAL_DATA } from './personal-data';

/** Their rows are needed until the end of an erasure, so they are deleted last. */
const DELETED_LAST = new Set(['records', 'record_links', 'record_syncs']);

/** Tables that an erasure walks through. */
export const WALKED_TABLES: readonly string[] = Object.entries(PERSONAL_DATA)
  .filter(([table, { columns }]) => {
    const kinds = Object.values(columns);
    const isDeleted = kinds.includes('row') && !DELETED_LAST.has(table);
    return !table.startsWith('eras') && (isDeleted || kinds.includes('ids') || kinds.includes('words'));
  })
  .map(([table]) => table);

interface Column {
  name: string;
  type: string;
  /** Its place in the primary key. */
  keyPosition: number | null;
}

interface WalkedTable {
  table: string;
  key: Column[];
  /** The integration of a row; NULL = of none. */
  integrationId: RawBuilder<string | null>;
  /** Columns whose texts are replaced. */
  redacted: (Column & { kind: RedactedColumn })[];
}

export interface WalkOptions {
  table: string;
  /** The key of the last row before; null = from the beginning. */
  after: string[] | null;
  limit: number;
  items: ErasureItems;
  /** Only counts. */
  isPreview: boolean;
}

/** @returns how many rows were erased or changed, and where to continue; null = that was the end. */
export async function walkTable(
  work: TenantWork,
  options: WalkOptions,
): Promise<{ rows: number; after: string[] | null }> {
  const walked = await describeTable(work, options.table);
  await readInOrder(work);
  const last = await findLast(work, walked, options);
  const found = await findNaming(work, walked, options, last);
  let rows = 0;
  for (const row of found) {
    const isSure = row.isDeleted && !isDeletedByMention(walked.table);
    const changes = isSure ? [] : changesOf(walked, row, options);
    if (!isSure && changes.length === 0) continue;
    rows += 1;
    if (options.isPreview) continue;
    if (row.isDeleted) await deleteRow(work, walked, row);
    else await changeRow(work, walked, row, changes);
  }
  return { rows, after: last };
}

const isDeletedByMention = (table: string) => PERSONAL_DATA[table]?.deletes?.includes('mentions') === true;

async function describeTable({ trx }: TenantWork, table: string): Promise<WalkedTable> {
  const { rows } = await sql<Column>`
    select attname::text as name, format_type(atttypid, null) as type,
      array_position((select indkey::int2[] from pg_index where indrelid = attrelid and indisprimary), attnum)
        as key_position
    from pg_attribute where attrelid = to_regclass(${table}) and attnum > 0 and not attisdropped`.execute(
    trx,
  );
  const { key, columns } = PERSONAL_DATA[table] ?? { columns: {} };
  const byName = new Map(rows.map((column) => [column.name, column]));
  const keyColumns =
    key?.flatMap((name) => byName.get(name) ?? []) ??
    rows
      .filter(({ keyPosition, name }) => keyPosition !== null && name !== 'tenant_id')
      .toSorted((one, other) => (one.keyPosition ?? 0) - (other.keyPosition ?? 0));
  return {
    table,
    key: keyColumns,
    integrationId: integrationOf(byName),
    redacted: Object.entries(columns).flatMap(([name, kind]) => {
      const column = byName.get(name);
      if (column === undefined) return [];
      if (kind === 'row' && isDeletedByMention(table)) return [{ ...column, kind: 'ids' as const }];
      return kind === 'ids' || kind === 'words' ? [{ ...column, kind }] : [];
    }),
  };
}

/** Items of overviews, and jobs and errors of runs, belong to the integration of the overview or run. */
const PARENTS = [
  ['overview_id', 'overviews'],
  ['sync_run_id', 'sync_runs'],
] as const;

function integrationOf(columns: ReadonlyMap<string, Column>): RawBuilder<string | null> {
  if (columns.has('integration_id')) return sql<string>`erased.integration_id`;
  const [id, parent] = PARENTS.find(([name]) => columns.has(name)) ?? [];
  if (id === undefined || parent === undefined) return sql<null>`null::uuid`;
  return sql<string | null>`(select parent.integration_id from ${sql.table(parent)} as parent
    where parent.tenant_id = erased.tenant_id and ${sql.ref(`parent.${id}`)} = ${nameOf({ name: id })})`;
}

const nameOf = ({ name }: Pick<Column, 'name'>) => sql.ref(`erased.${name}`);
const keyOf = ({ key }: WalkedTable) => sql`(${sql.join(key.map(nameOf))})`;
const textsOf = (columns: readonly Column[]) =>
  sql`array[${sql.join(columns.map((column) => sql`${nameOf(column)}::text`))}]::text[]`;
const valuesOf = ({ key }: WalkedTable, values: readonly string[]) =>
  sql`(${sql.join(key.map(({ type }, at) => sql`${values[at]}::text::${sql.raw(type)}`))})`;

const ofTenant = (work: TenantWork, { table }: WalkedTable) =>
  sql`${sql.table(table)} as erased where erased.tenant_id = ${work.tenantId}::uuid`;

async function findLast(
  work: TenantWork,
  walked: WalkedTable,
  { after, limit }: WalkOptions,
): Promise<string[] | null> {
  const { rows } = await sql<{ key: string[] }>`
    select ${textsOf(walked.key)} as key from ${ofTenant(work, walked)} ${behind(walked, after)}
    order by ${sql.join(walked.key.map(nameOf))} offset ${limit - 1} limit 1`.execute(work.trx);
  return rows[0]?.key ?? null;
}

const behind = (walked: WalkedTable, after: string[] | null) =>
  after === null ? sql`` : sql`and ${keyOf(walked)} > ${valuesOf(walked, after)}`;

interface FoundRow {
  key: string[];
  integrationId: string | null;
  isDeleted: boolean;
  /** Of `redacted`, as text. */
  texts: (string | null)[];
}

async function findNaming(
  work: TenantWork,
  walked: WalkedTable,
  { after, items }: WalkOptions,
  last: string[] | null,
): Promise<FoundRow[]> {
  const upTo = last === null ? sql`` : sql`and ${keyOf(walked)} <= ${valuesOf(walked, last)}`;
  const isDeleted = rowsOfRecords(walked, items);
  const isNaming = walked.redacted.map((column) => mentions(column, items, column.kind));
  const { rows } = await sql<FoundRow>`
    select ${textsOf(walked.key)} as key, ${walked.integrationId} as integration_id,
      ${isDeleted} as is_deleted, ${textsOf(walked.redacted)} as texts
    from ${ofTenant(work, walked)} ${behind(walked, after)} ${upTo}
      and (${sql.join([isDeleted, ...isNaming], sql` or `)})
    for update`.execute(work.trx);
  return rows;
}

/** Whether the column contains a searched text. In words, case is ignored, and escapes are examined later. */
function mentions(column: Pick<Column, 'name'>, items: ErasureItems, kind: RedactedColumn) {
  const fold = (text: RawBuilder<unknown>) => (kind === 'words' ? inOneCase(text) : text);
  const isEscaped = kind === 'words' ? sql`or ${nameOf(column)}::text ~ ${ESCAPED}` : sql``;
  return sql<boolean>`(exists (
    select from (select ${fold(sql`${nameOf(column)}::text`)} as whole offset 0) found,
      unnest(array(select ${fold(sql`one`)} from unnest(${items.redactionAt(null).searched(kind)}::text[]) one))
        as searched(part)
    where strpos(whole, part) > 0) ${isEscaped})`;
}

/** As in `folded` (domain/erasures/readings.ts), as far as PostgreSQL can. */
const inOneCase = (text: RawBuilder<unknown>) =>
  sql`lower(upper(replace(translate(${text}, ${'İı+\u00A0‘’ʼ'}, ${"Ii  '''"}), ${'\u0307'}, '')))`;

/** Whether a row belongs to a record of the erasure. */
function rowsOfRecords({ table, integrationId }: WalkedTable, items: ErasureItems): RawBuilder<boolean> {
  const { deletes = [], columns = {} } = PERSONAL_DATA[table] ?? {};
  if (DELETED_LAST.has(table)) return sql<boolean>`false`;
  const conditions = deletes.map((by): RawBuilder<boolean> => {
    switch (by) {
      case 'record_id':
        return sql<boolean>`coalesce(erased.record_id = any(${items.recordIds}::uuid[]), false)`;
      case 'remote_id':
        return sql<boolean>`exists (
          select from unnest(${items.remoteNames.map((one) => one.recordType)}::text[],
              ${items.remoteNames.map((one) => one.name)}::text[],
              ${items.remoteNames.map((one) => one.integrationId)}::uuid[])
            as named(record_type, name, integration_id)
          where named.record_type = erased.record_type and named.name = erased.remote_id
            and coalesce(named.integration_id = ${integrationId}, true))`;
      case 'external_id':
        return sql<boolean>`exists (
          select from unnest(${items.records.map((one) => one.recordType)}::text[],
              ${items.records.map((one) => one.externalId)}::text[]) as named(record_type, name)
          where named.record_type = erased.record_type and named.name = erased.external_id)`;
      default:
        return sql<boolean>`(${sql.join(
          Object.entries(columns).flatMap(([name, kind]) =>
            kind === 'row' ? [mentions({ name }, items, 'ids')] : [],
          ),
          sql` or `,
        )})`;
    }
  });
  return conditions.length === 0 ? sql<boolean>`false` : sql<boolean>`(${sql.join(conditions, sql` or `)})`;
}

async function deleteRow(work: TenantWork, walked: WalkedTable, { key }: FoundRow): Promise<void> {
  const isRow = sql`${keyOf(walked)} = ${valuesOf(walked, key)}`;
  await sql`delete from ${ofTenant(work, walked)} and ${isRow}`.execute(work.trx);
}

async function changeRow(
  work: TenantWork,
  walked: WalkedTable,
  row: FoundRow,
  changes: readonly ChangedText[],
): Promise<void> {
  const assignments = changes.map(
    ({ name, type, text }) => sql`${sql.ref(name)} = ${text}::text::${sql.raw(type)}`,
  );
  await sql`update ${sql.table(walked.table)} as erased set ${sql.join(assignments)}
    where erased.tenant_id = ${work.tenantId}::uuid and ${keyOf(walked)} = ${valuesOf(walked, row.key)}`.execute(
    work.trx,
  );
}

interface ChangedText {
  name: string;
  type: string;
  text: string;
}

function changesOf(
  { redacted }: WalkedTable,
  { texts, integrationId }: FoundRow,
  { items }: WalkOptions,
): ChangedText[] {
  const redaction = items.redactionAt(integrationId);
  return redacted.flatMap(({ name, type, kind }, at) => {
    const before = texts[at];
    if (before === null || before === undefined) return [];
    const text = type === 'jsonb' ? redaction.jsonText(before, kind) : redaction.text(before, kind);
    return text === before ? [] : [{ name, type, text }];
  });
}
