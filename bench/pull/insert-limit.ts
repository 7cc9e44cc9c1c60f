/**
 * The least that a program can do for an initial load through SQL: it reads the same pages, one ahead, and
 * inserts the same rows with row-level security, a statement and a transaction per page. It checks nothing,
 * remembers nothing, and does not wait for the disk. COPY is refused for tables with row-level security.
 */
import { hash } from 'node:crypto';
import { sql } from 'kysely';
import type { Pool } from 'pg';
import type { Database, TenantWork } from '../../db/database';
import { externalIdPrefixOf, pullAuthor } from '../../db/pull/page';
import { JsonText } from '../../db/sql/binary-arrays';
import { rowsFrom } from '../../db/sql/bulk-rows';
import { newUuid } from '../../db/sql/ids';
import type { LinkedTenant } from '../product';
import type { Source } from './source';
import { createCopy, protectCopy, TABLES } from './table-copies';

interface Place {
  database: Database;
  pool: Pool;
  source: Source;
  tenant: LinkedTenant;
  records: number;
}

/** Seconds from the first request to the last commit. */
export async function timeBareInsert({ database, pool, source, tenant, records }: Place): Promise<number> {
  for (const table of TABLES) {
    await createCopy(pool, table, `bare_${table}`);
    await protectCopy(pool, table, `bare_${table}`);
  }
  await pool.query('checkpoint');
  const startedAt = performance.now();
  let reading = source.read('0');
  for (let page = await reading; ; page = await reading) {
    if (page.next !== null) reading = source.read(page.next);
    const rows = page.data.map(rowOf);
    await database.withTenant(tenant.tenantId, (work) => insert(work, tenant, rows), { waitsForDisk: false });
    if (page.next === null) break;
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  for (const table of TABLES) {
    const { rows } = await pool.query<{ stored: string }>(`select count(*) as stored from bare_${table}`);
    if (Number(rows[0]?.stored) !== records) throw new Error(`bare_${table} has ${rows[0]?.stored} rows.`);
    await pool.query(`drop table bare_${table}`);
  }
  return seconds;
}

const COLUMNS = 'record_id uuid, fields jsonb, remote_id text, remote_hash text';

function rowOf({ id, ...fields }: { id: string }) {
  const text = JSON.stringify(fields);
  const remoteHash = hash('sha256', text, 'base64url').slice(0, 22);
  return { record_id: newUuid(), fields: new JsonText(text), remote_id: id, remote_hash: remoteHash };
}

/** The columns that the product fills for records that are only read. */
async function insert(
  { trx, tenantId, now }: TenantWork,
  { integrationId }: LinkedTenant,
  rows: readonly object[],
): Promise<void> {
  const { actor } = pullAuthor({ integrationId, syncRunId: integrationId, recordType: 'contacts' });
  await sql`
    with row as (select * from ${rowsFrom(rows, COLUMNS)}),
    link as (
      insert into bare_record_links (tenant_id, integration_id, record_id, record_type,
        remote_id, remote_hash, is_deactivated, updated_at)
      select ${tenantId}::uuid, ${integrationId}::uuid, record_id, 'contacts',
        remote_id, remote_hash, false, ${now}::timestamptz from row)
    insert into bare_records (tenant_id, record_id, record_type, external_id, version,
      fields, occurred_at, changed_at, changed_by, created_at)
    select ${tenantId}::uuid, record_id, 'contacts', ${externalIdPrefixOf(integrationId)} || remote_id, 1,
      fields, ${now}::timestamptz, ${now}::timestamptz, ${actor}, ${now}::timestamptz from row`.execute(trx);
}
