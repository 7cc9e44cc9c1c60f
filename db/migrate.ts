/** Brings a database to the newest schema: `npm run migrate`. Two at once are safe: Kysely's migrator takes an advisory lock. */
import { Kysely, Migrator, PostgresDialect } from 'kysely';
import { Client, Pool } from 'pg';
import { migrations } from './migrations';

/** @throws the first migration's error; what stood before it stays applied and the failed one can be repeated. */
export async function migrateToLatest(databaseUrl: string): Promise<string[]> {
  const db = new Kysely<unknown>({
    dialect: new PostgresDialect({ pool: new Pool({ connectionString: databaseUrl, max: 2 }) }),
  });
  try {
    const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
    const { error, results } = await migrator.migrateToLatest();
    if (error !== undefined) throw error;
    return (results ?? []).map((result) => result.migrationName);
  } finally {
    await db.destroy();
  }
}

/** True when the schema is the one this code knows (used by `/readyz`). */
export async function isMigrated(client: Client | Pool): Promise<boolean> {
  const { rows } = await client.query<{ name: string }>('select name from kysely_migration');
  const applied = new Set(rows.map((row) => row.name));
  return Object.keys(migrations).every((name) => applied.has(name));
}

if (require.main === module) {
  const databaseUrl = process.env.DATABASE_URL;
  if (databaseUrl === undefined) {
    console.error(
      'DATABASE_URL is not set. Set it to the PostgreSQL database to migrate, for example postgres://user:password@127.0.0.1:5432/syncline.',
    );
    process.exit(2);
  }
  migrateToLatest(databaseUrl).then(
    (applied) =>
      console.log(applied.length === 0 ? 'The database is up to date.' : `Applied: ${applied.join(', ')}.`),
    (error: unknown) => {
      console.error('The migration failed:', error);
      process.exit(1);
    },
  );
}
