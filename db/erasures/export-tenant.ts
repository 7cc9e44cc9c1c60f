/**
 * Everything that a tenant has, as JSON lines: one for each row of each table, without secrets. Rows are read
 * in pages, each in a transaction of its own, and only as fast as they are consumed.
 */
import { sql } from 'kysely';
import { type Database, TenantDeleted, type TenantWork } from '../database';
import { readInOrder } from '../sql/index-order';
import { PERSONAL_DATA } from './personal-data';
import { findTenantDeletion } from './tenant-deletions';
import {
  describeTenantTables,
  keyIs,
  orderOfKey,
  rowsOf,
  type TenantTable,
  textsOfKey,
} from './tenant-tables';

/** Of the format. It changes when lines get another form, not with tables and columns. */
const VERSION = 1;

/** Stored answers of requests, which may be encrypted because they hold a key. */
const NOT_EXPORTED = new Set(['idempotency_keys.response']);

export interface ExportLimits {
  rowsPerPage: number;
  /** A page ends after the row that exceeds it. */
  bytesPerPage: number;
}

const LIMITS: ExportLimits = { rowsPerPage: 200, bytesPerPage: 1_000_000 };

/**
 * The first line names the instant, the last line has the counts. An export without a last line was cut off.
 * @throws TenantDeleted
 */
export async function* exportTenant(
  database: Database,
  tenantId: string,
  limits: ExportLimits = LIMITS,
): AsyncGenerator<string> {
  const { tables, startedAt } = await database.withEraser(tenantId, async (work) => ({
    tables: await describeTenantTables(work),
    startedAt: work.now,
  }));
  yield line({ kind: 'export', version: VERSION, tenant_id: tenantId, started_at: startedAt });
  const counts: Record<string, number> = {};
  for (const table of tables) {
    counts[table.name] = 0;
    for (let after: string[] | null = null; ;) {
      const page: ExportedRow[] = await database.withEraser(tenantId, (work) =>
        readPage(work, table, { ...limits, after }),
      );
      const last = page.at(-1);
      if (last === undefined) break;
      counts[table.name] = (counts[table.name] ?? 0) + page.length;
      yield page.map(({ text }) => `{"kind":${JSON.stringify(table.name)},"row":${text}}\n`).join('');
      after = last.key;
    }
  }
  const rows = Object.values(counts).reduce((sum, count) => sum + count, 0);
  yield line({ kind: 'end', rows, tables: counts });
}

const line = (value: object): string => `${JSON.stringify(value)}\n`;

interface ExportedRow {
  key: string[];
  /** JSON. */
  text: string;
}

async function readPage(
  work: TenantWork,
  table: TenantTable,
  { after, rowsPerPage, bytesPerPage }: ExportLimits & { after: string[] | null },
): Promise<ExportedRow[]> {
  if ((await findTenantDeletion(work, work)) !== undefined) throw new TenantDeleted();
  const columns = sql.join(exportedColumns(table).map((name) => sql.ref(`tenant_row.${name}`)));
  await readInOrder(work);
  const { rows } = await sql<ExportedRow>`
    with page as materialized (
      select row_number() over (order by ${orderOfKey(table)}) as position, ${textsOfKey(table)} as key,
        (select row_to_json(exported)::text from (select ${columns}) exported) as text
      from (select tenant_row.* from ${rowsOf(table, work.tenantId)} ${keyIs(table, '>', after)}
        order by ${orderOfKey(table)} limit ${rowsPerPage}) as tenant_row)
    select key, text from (
      select *, sum(octet_length(text)) over (order by position) - octet_length(text) as bytes_before from page
    ) measured where bytes_before < ${bytesPerPage} order by position`.execute(work.trx);
  return rows;
}

function exportedColumns({ name: table, columns }: TenantTable): string[] {
  return columns
    .map(({ name }) => name)
    .filter((name) => PERSONAL_DATA[table]?.columns[name] !== 'secret')
    .filter((name) => !NOT_EXPORTED.has(`${table}.${name}`));
}
