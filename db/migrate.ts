/**
 * Brings a database to the newest schema: `npm run migrate`. Several at once are safe: the others
 * wait.
 */
import { type Kysely, type Migration, Migrator, sql } from 'kysely';
import { fillCanonicalEmails } from './canonical-emails';
import { ensureRoles, ensureSchema, mendAccess, MissingRights } from './access-rights';
import { inMigrationTransaction } from './migration-session';
import { migrations } from './migrations';
import { prepareIndexes } from './migrations/concurrent-indexes';
import { startRecordCounts } from './start-record-counts';
import {
  type InTransaction,
  preparePartitions,
  undoPreparation,
} from './migrations/2026-12-04-partitions/prepare';

const BASELINE = '2026-11-28-baseline';
const WITH_A_NEW_DATABASE = 'create an empty database, set DATABASE_URL to it and run npm run migrate again';

/** The database has migrations of another version, so this version cannot migrate it. */
export class IncompatibleDatabase extends Error {}

export interface MigrateOptions {
  /** How to start over; completes the sentence "To start over, …". */
  startOver?: string;
  /** Takes what an operator should know although nothing failed. */
  warn?: (message: string) => void;
}

/**
 * @returns the names of the migrations that it applied.
 * @throws IncompatibleDatabase, MissingRights, or the error of the first migration that failed. A failure
 * leaves nothing behind but indexes, which the next attempt needs.
 */
export async function migrateToLatest(
  databaseUrl: string,
  { startOver = WITH_A_NEW_DATABASE, warn = console.warn }: MigrateOptions = {},
): Promise<string[]> {
  const inTransaction: InTransaction = (work) => inMigrationTransaction(databaseUrl, work);
  try {
    await prepareIndexes(databaseUrl);
    await preparePartitions(inTransaction);
    const applied = await inTransaction((db) => bringToLatest(db, startOver, warn));
    await startRecordCounts(inTransaction);
    return applied;
  } catch (error) {
    await undoPreparation(inTransaction).catch(() => undefined); // it failed for the same reason
    throw error;
  }
}

async function bringToLatest(
  db: Kysely<unknown>,
  startOver: string,
  warn: (message: string) => void,
): Promise<string[]> {
  const schema = await ensureSchema(db);
  const before = await appliedMigrations(db, schema);
  const newer = newerMigrations(before, startOver);
  await ensureRoles(db);
  if (newer.length === 0) await applyAll(db, schema);
  else
    warn(
      `This database was migrated by a newer version of Syncline (${newer.join(', ')}). ` +
        'Every migration of this version is applied, so it can run.',
    );
  const policies = await mendAccess(db, schema);
  if (policies > 0) warn(`Policies and grants were missing and were created again: ${policies} policies.`);
  for (const message of await fillCanonicalEmails(db, schema)) warn(message);
  return (await appliedMigrations(db, schema)).filter((name) => !before.includes(name));
}

/** Migrations see the rows that they change: otherwise row-level security hides them from the owner, too. */
async function applyAll(db: Kysely<unknown>, schema: string): Promise<void> {
  const released = new Set<string>();
  const seeingAllRows = ({ up }: Migration): Migration => ({
    async up(trx: Kysely<unknown>) {
      for (const table of await forcedTables(trx, schema)) {
        released.add(table);
        await sql.raw(`alter table ${table} no force row level security`).execute(trx);
      }
      await up(trx);
    },
  });
  const all = Object.entries(migrations).map(([name, migration]) => [name, seeingAllRows(migration)]);
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => Object.fromEntries(all) as Record<string, Migration> },
    migrationTableSchema: schema,
    allowUnorderedMigrations: true, // a release may add names that sort before those of the release before it
    disableTransactions: true, // all of it is one
  });
  const { error } = await migrator.migrateToLatest();
  if (error !== undefined) throw error;
  for (const table of released)
    await sql.raw(`alter table if exists ${table} force row level security`).execute(db);
}

/** The tables that hide rows from this user. */
async function forcedTables(db: Kysely<unknown>, schema: string): Promise<string[]> {
  const { rows } = await sql<{ table: string }>`
    select format('%I.%I', nspname, relname) as table
      from pg_class join pg_namespace on pg_namespace.oid = relnamespace
     where nspname = ${schema} and relforcerowsecurity
       and not (select rolsuper or rolbypassrls from pg_roles where rolname = current_user)`.execute(db);
  return rows.map(({ table }) => table);
}

async function appliedMigrations(db: Kysely<unknown>, schema: string): Promise<string[]> {
  const { rows: tables } = await sql<{ exists: boolean }>`
    select exists (select from pg_tables where schemaname = ${schema} and tablename = 'kysely_migration')
      as exists`.execute(db);
  if (tables[0]?.exists !== true) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return rows.map(({ name }) => name);
}

/** Migrations of a newer version only. @throws IncompatibleDatabase if this version cannot run. */
function newerMigrations(applied: readonly string[], startOver: string): string[] {
  if (applied.length === 0) return [];
  if (!applied.includes(BASELINE))
    throw new IncompatibleDatabase(
      'This database was created by a version of Syncline before 0.2.0, and its data cannot be migrated. ' +
        `To start over, ${startOver}.`,
    );
  const newer = applied.filter((name) => !(name in migrations));
  const missing = Object.keys(migrations).filter((name) => !applied.includes(name));
  if (newer.length > 0 && missing.length > 0)
    throw new IncompatibleDatabase(
      `This database was migrated by another version of Syncline (${newer.join(', ')}) and lacks migrations ` +
        `of this one (${missing.join(', ')}). Run a version that has both, or restore a backup.`,
    );
  return newer;
}

if (require.main === module) {
  const databaseUrl = process.env.DATABASE_URL;
  if (databaseUrl === undefined) {
    console.error(
      'DATABASE_URL is not set. Set it to the PostgreSQL database to migrate, ' +
        'for example postgres://user:password@127.0.0.1:5432/syncline.',
    );
    process.exit(2);
  }
  migrateToLatest(databaseUrl).then(
    (applied) =>
      console.log(applied.length === 0 ? 'The database is up to date.' : `Applied: ${applied.join(', ')}.`),
    (error: unknown) => {
      if (error instanceof IncompatibleDatabase || error instanceof MissingRights)
        console.error(error.message);
      else console.error('The migration failed:', error);
      process.exit(1);
    },
  );
}
