/** A row of a tenant in every table, without any foreign key or constraint. */
import { randomUUID } from 'node:crypto';
import { describeTenantTables } from '../../../db/erasures/tenant-tables';
import type { TestDb } from '../given';

const SAMPLES: Record<string, () => unknown> = {
  uuid: randomUUID,
  text: () => `text ${randomUUID()}`,
  jsonb: () => ({}),
  json: () => ({}),
  boolean: () => false,
  date: () => '2026-01-01',
  bytea: () => `\\x${randomUUID().replaceAll('-', '')}`,
  'timestamp with time zone': () => '2026-01-01T00:00:00Z',
};

export async function givenRows(
  db: TestDb,
  tenantId: string,
  { rows = 1, sample }: { rows?: number; sample?: (column: string, type: string) => unknown } = {},
): Promise<string[]> {
  const tables = await db.database.withPlatform(describeTenantTables);
  await db.superuser('set session_replication_role = replica');
  for (const { name, columns } of tables) {
    const checks = await db.superuser(
      `select conname from pg_constraint where conrelid = $1::regclass and contype = 'c' and conislocal`,
      [name],
    );
    for (const { conname } of checks)
      await db.superuser(`alter table ${name} drop constraint ${String(conname)}`);
    const [existing] = await db.superuser(`select count(*)::int as count from ${name} where tenant_id = $1`, [
      tenantId,
    ]);
    const hasOne = columns.filter(({ keyPosition }) => keyPosition !== null).length === 1;
    for (let row = Number(existing?.count); row < (hasOne ? 1 : rows); row += 1) {
      const values = Object.fromEntries(
        columns
          .filter(({ isGenerated }) => !isGenerated)
          .map(({ name: column, type }) => [
            column,
            sample?.(`${name}.${column}`, type) ??
              SAMPLES[type]?.() ??
              (type.endsWith('[]') ? [] : null) ??
              row + 1,
          ]),
      );
      await insert(db, name, { ...values, ...tenantOf(name, tenantId) });
    }
  }
  await db.superuser('set session_replication_role = default');
  return tables.map(({ name }) => name);
}

const tenantOf = (table: string, tenantId: string) =>
  table === 'console_sessions'
    ? { sess: { signedIn: { tenantId, personId: randomUUID(), sessionId: randomUUID() } } }
    : { tenant_id: tenantId };

async function insert(db: TestDb, table: string, values: Record<string, unknown>): Promise<void> {
  const names = Object.keys(values).join(', ');
  await db.superuser(
    `insert into ${table} (${names}) overriding user value select ${names} from jsonb_populate_record(null::${table}, $1)`,
    [JSON.stringify(values)],
  );
}

/** How many rows of a tenant each table has; tables without any are left out. */
export async function countRows(db: TestDb, tenantId: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  // Read from the schema again, so that the list of the code under test is not trusted.
  const tables = await db.superuser(`
    select relname from pg_class join pg_attribute on attrelid = pg_class.oid
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
      and attname = 'tenant_id' and not attisdropped and relname <> 'tenant_deletions'`);
  for (const { relname } of tables) {
    const [row] = await db.superuser(
      `select count(*)::int as count from ${String(relname)} where tenant_id = $1`,
      [tenantId],
    );
    if (Number(row?.count) > 0) counts[String(relname)] = Number(row?.count);
  }
  return counts;
}
