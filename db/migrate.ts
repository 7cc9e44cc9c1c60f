/**
 * Brings a database to the newest schema: `npm run migrate`. Several at once are safe: Kysely takes an
 * advisory lock.
 */
import { Kysely, Migrator, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import { migrations } from './migrations';

const BASELINE = '2026-11-28-baseline';
const WITH_A_NEW_DATABASE = 'create an empty database, set DATABASE_URL to it and run npm run migrate again';

/** The database has migrations of another version, so this version cannot migrate it. */
export class IncompatibleDatabase extends Error {}

export interface MigrateOptions {
  /** How to start over; completes the sentence "To start over, …". */
  startOver?: string;
}

/**
 * @returns the names of the migrations that it applied.
 * @throws IncompatibleDatabase, or the error of the first migration that failed. Earlier migrations stay
 * applied, and the failed one leaves nothing behind.
 */
export async function migrateToLatest(
  databaseUrl: string,
  { startOver = WITH_A_NEW_DATABASE }: MigrateOptions = {},
): Promise<string[]> {
  const db = new Kysely<unknown>({
    dialect: new PostgresDialect({ pool: new Pool({ connectionString: databaseUrl, max: 2 }) }),
  });
  try {
    refuseIncompatible(await appliedMigrations(db), startOver);
    const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
    const { error, results } = await migrator.migrateToLatest();
    if (error !== undefined) throw error;
    return (results ?? []).map((result) => result.migrationName);
  } finally {
    await db.destroy();
  }
}

async function appliedMigrations(db: Kysely<unknown>): Promise<string[]> {
  const { rows: tables } = await sql<{ exists: boolean }>`
    select to_regclass('public.kysely_migration') is not null as exists`.execute(db);
  if (tables[0]?.exists !== true) return [];
  const { rows } = await sql<{ name: string }>`select name from kysely_migration order by name`.execute(db);
  return rows.map(({ name }) => name);
}

function refuseIncompatible(applied: readonly string[], startOver: string): void {
  if (applied.length === 0) return;
  if (!applied.includes(BASELINE))
    throw new IncompatibleDatabase(
      'This database was created by a version of Syncline before 0.2.0, and its data cannot be migrated. ' +
        `To start over, ${startOver}.`,
    );
  const unknown = applied.filter((name) => !(name in migrations));
  if (unknown.length > 0)
    throw new IncompatibleDatabase(
      `This database was migrated by a newer version of Syncline (${unknown.join(', ')}). ` +
        'Run that version, or restore a backup from before its migration.',
    );
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
      if (error instanceof IncompatibleDatabase) console.error(error.message);
      else console.error('The migration failed:', error);
      process.exit(1);
    },
  );
}
