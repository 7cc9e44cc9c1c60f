/** Empty copies of the record and link tables, for the limits of an initial load. */
import type { Pool } from 'pg';

export const TABLES = ['records', 'record_links'] as const;
export type CopiedTable = (typeof TABLES)[number];

/** With all indexes and checks, and the same fill factor. No policies. */
export async function createCopy(pool: Pool, table: CopiedTable, name: string): Promise<void> {
  const { rows } = await pool.query<{ options: string[] | null }>(
    'select reloptions as options from pg_class where oid = $1::regclass',
    [table],
  );
  // `including all` leaves the storage parameters out.
  const storage = rows[0]?.options == null ? '' : `with (${rows[0].options.join(', ')})`;
  await pool.query(`create table ${name} (like ${table} including all) ${storage}`);
}

/** The tenant's policy, as the table has it. */
export async function protectCopy(pool: Pool, table: CopiedTable, name: string): Promise<void> {
  const { rows } = await pool.query<{ using: string; check: string }>(
    `select qual as using, with_check as check from pg_policies where tablename = $1 and 'syncline_app' = any(roles)`,
    [table],
  );
  if (rows.length !== 1) throw new Error(`${table} has ${rows.length} policies for tenants.`);
  await pool.query(`alter table ${name} enable row level security`);
  await pool.query(`alter table ${name} force row level security`);
  for (const { using, check } of rows)
    await pool.query(
      `create policy tenant_rows on ${name} to syncline_app using (${using}) with check (${check})`,
    );
  await pool.query(`grant insert on ${name} to syncline_app`);
}
