/**
 * The tables with rows of tenants, as the schema has them: a new table cannot be forgotten when a tenant is
 * deleted or exported. Rows are read and deleted in the order of a key.
 */
import { type RawBuilder, sql } from 'kysely';
import type { Work } from '../database';
import { PERSONAL_DATA } from './personal-data';

/** It outlives the tenant. */
const RECEIPTS = 'tenant_deletions';

interface Column {
  name: string;
  type: string;
  /** Its place in the primary key. */
  keyPosition: number | null;
  isGenerated: boolean;
}

export interface TenantTable {
  name: string;
  key: readonly Column[];
  columns: readonly Column[];
}

/** Tables that refer to others come before them. */
export async function describeTenantTables({ trx }: Pick<Work, 'trx'>): Promise<TenantTable[]> {
  const { rows } = await sql<{ table: string; columns: Column[]; refersTo: string[] }>`
    select relname::text as "table",
      (select jsonb_agg(jsonb_build_object('name', attname, 'type', format_type(atttypid, null),
          'isGenerated', attgenerated <> '', 'keyPosition', array_position((select indkey::int2[]
            from pg_index where indrelid = attrelid and indisprimary), attnum)) order by attnum)
        from pg_attribute where attrelid = pg_class.oid and attnum > 0 and not attisdropped) as columns,
      array(select distinct relname::text from pg_constraint join pg_class other on other.oid = confrelid
        where conrelid = pg_class.oid and contype = 'f' and confrelid <> conrelid) as refers_to
    from pg_class
    where relkind in ('r', 'p') and not relispartition and relname <> ${RECEIPTS}
      and relnamespace = (select relnamespace from pg_class where oid = to_regclass('tenants'))
      and exists (select from pg_attribute
        where attrelid = pg_class.oid and attname = 'tenant_id' and not attisdropped)
    order by relname`.execute(trx);
  const left = [...rows];
  const ordered: typeof rows = [];
  while (left.length > 0) {
    const free = left.findIndex(({ table }) => !left.some(({ refersTo }) => refersTo.includes(table)));
    if (free === -1) throw new Error('The foreign keys of the tables are circular.');
    ordered.push(...left.splice(free, 1));
  }
  return ordered.map(({ table, columns }) => ({ name: table, columns, key: keyOf(table, columns) }));
}

function keyOf(table: string, columns: readonly Column[]): Column[] {
  const byIndex = PERSONAL_DATA[table]?.key;
  const key =
    byIndex?.flatMap((name) => columns.find((column) => column.name === name) ?? []) ??
    columns
      .filter(({ keyPosition, name }) => keyPosition !== null && name !== 'tenant_id')
      .toSorted((one, other) => (one.keyPosition ?? 0) - (other.keyPosition ?? 0));
  // A table with one row for each tenant.
  return key.length > 0 ? key : columns.filter(({ name }) => name === 'tenant_id');
}

const listOf = (key: readonly Column[]) => sql.join(key.map(({ name }) => sql.ref(`tenant_row.${name}`)));

export const orderOfKey = ({ key }: TenantTable): RawBuilder<unknown> => listOf(key);

/** As texts that `beyond` takes. */
export const textsOfKey = ({ key }: TenantTable): RawBuilder<string[]> =>
  sql`array[${sql.join(key.map(({ name }) => sql`${sql.ref(`tenant_row.${name}`)}::text`))}]`;

/** The rows of the tenant. */
export const rowsOf = ({ name }: TenantTable, tenantId: string): RawBuilder<unknown> =>
  sql`${sql.table(name)} as tenant_row where tenant_row.tenant_id = ${tenantId}::uuid`;

/** Compares the key with that of another row. */
export function keyIs(
  { key }: TenantTable,
  operator: '>' | '<=',
  values: readonly string[] | null,
): RawBuilder<unknown> {
  if (values === null) return sql``;
  const other = sql.join(key.map(({ type }, at) => sql`${values[at]}::text::${sql.raw(type)}`));
  return sql`and (${listOf(key)}) ${sql.raw(operator)} (${other})`;
}
