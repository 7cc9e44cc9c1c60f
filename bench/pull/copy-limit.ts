/**
 * The limit for an initial load: PostgreSQL's COPY, from a file on the server, of the rows that Syncline
 * wrote, into copies of its record and link tables with all indexes and checks.
 */
import fs from 'node:fs';
import path from 'node:path';
import type { Pool } from 'pg';
import type { BenchEnvironment } from '../environment';
import { createCopy, TABLES } from './table-copies';

/** Seconds for both tables. */
export async function timeCopy(environment: BenchEnvironment, pool: Pool, tenantId: string): Promise<number> {
  const folder = path.join(environment.folder, 'copy');
  fs.mkdirSync(folder, { recursive: true });
  fs.chmodSync(environment.folder, 0o755);
  fs.chmodSync(folder, 0o777); // PostgreSQL may run as another user
  let seconds = 0;
  for (const table of TABLES) {
    const file = path.join(folder, table);
    const columns = await writtenColumns(pool, table);
    await pool.query(`copy (select ${columns} from ${table} where tenant_id = '${tenantId}') to '${file}'`);
    await createCopy(pool, table, `copy_of_${table}`);
    await pool.query('checkpoint');
    const startedAt = performance.now();
    await pool.query(`copy copy_of_${table} (${columns}) from '${file}'`);
    seconds += (performance.now() - startedAt) / 1_000;
    await pool.query(`drop table copy_of_${table}`);
    fs.rmSync(file);
  }
  return seconds;
}

/** Those that PostgreSQL does not make itself. */
async function writtenColumns(pool: Pool, table: string): Promise<string> {
  const { rows } = await pool.query<{ name: string }>(
    `select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`,
    [table],
  );
  return rows.map(({ name }) => name).join(', ');
}
