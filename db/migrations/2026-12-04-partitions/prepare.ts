/**
 * Before the migration, in transactions of its own: proves that every row of a table belongs to its first
 * partition. The proof reads the whole table, while processes read and write it. Attaching the table then
 * reads nothing.
 */
import { type Kysely, sql } from 'kysely';
import { boundCheckOf, NEW_BOUND, type PartitionedTable, PARTITIONED_TABLES, schemaOf } from './tables';

export type InTransaction = <T>(work: (db: Kysely<unknown>) => Promise<T>) => Promise<T>;

/** Foreign ids that belong to no time: the migration moves them itself. */
const CHECK_VIOLATION = '23514';

export async function preparePartitions(inTransaction: InTransaction): Promise<void> {
  const tables = await inTransaction(async (db) => {
    const found = await unpartitioned(db);
    for (const { name, key } of found) await addCheck(db, name, key);
    return found;
  });
  for (const { name } of tables)
    await inTransaction(async (db) => {
      if (await isChecked(db, name)) await sql.raw(validateCheck(name)).execute(db);
    }).catch((error: unknown) => {
      if ((error as { code?: string }).code !== CHECK_VIOLATION) throw error;
    });
}

/** Keeps the check of another process that migrates now, and replaces that of one that died days ago. */
async function addCheck(db: Kysely<unknown>, name: string, key: string): Promise<void> {
  const { rows } = await sql<{ bound: string }>`select ${sql.raw(NEW_BOUND)} as bound`.execute(db);
  const check = `check (${key} < '${rows[0]?.bound}') not valid`;
  if (await isChecked(db, name, rows[0]?.bound)) return;
  await sql.raw(dropCheck(name)).execute(db);
  await sql.raw(`alter table ${name} add constraint ${boundCheckOf(name)} ${check}`).execute(db);
}

/** After a migration that failed: later ids would not pass the check. */
export async function undoPreparation(inTransaction: InTransaction): Promise<void> {
  await inTransaction(async (db) => {
    for (const { name } of await unpartitioned(db)) await sql.raw(dropCheck(name)).execute(db);
  });
}

const dropCheck = (name: string) => `alter table ${name} drop constraint if exists ${boundCheckOf(name)}`;

const validateCheck = (name: string) => `alter table ${name} validate constraint ${boundCheckOf(name)}`;

async function isChecked(db: Kysely<unknown>, name: string, bound = ''): Promise<boolean> {
  const { rows } = await sql`
    select from pg_constraint where conname = ${boundCheckOf(name)} and conrelid = to_regclass(${name})
      and pg_get_constraintdef(oid) like ${`%${bound}%`}`.execute(db);
  return rows.length > 0;
}

async function unpartitioned(db: Kysely<unknown>): Promise<PartitionedTable[]> {
  const schema = await schemaOf(db);
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class join pg_namespace on pg_namespace.oid = relnamespace
     where nspname = ${schema ?? ''} and relkind = 'r'
       and exists (select from pg_attribute where attrelid = pg_class.oid and attname = 'tenant_id')`.execute(
    db,
  );
  const names = new Set(rows.map(({ name }) => name));
  return PARTITIONED_TABLES.filter(({ name }) => names.has(name));
}
