/**
 * `npm run restore -- FILE`: a backup into an empty database, by its owner. The third parties may hold newer
 * values than the backup, so every integration is compared from the beginning (rules.md 54).
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Kysely, sql } from 'kysely';
import { ensureRoles, ensureSchema } from './access-rights';
import { compareEverything } from './compare-everything';
import { Database } from './database';
import { migrateToLatest } from './migrate';
import { inMigrationTransaction } from './migration-session';
import { markDatabase, readInstallation, readServer } from './platform/installation';
import { databaseOption, runPostgresProgram } from './postgres-client';
import { runTool } from './run-tool';

/** Answers how many integrations will be compared. */
export async function restore(databaseUrl: string, file: string): Promise<number> {
  const schema = await inMigrationTransaction(databaseUrl, async (db) => {
    const found = await ensureSchema(db);
    await refuseNotEmpty(db, found);
    await ensureRoles(db);
    return found;
  });
  const contents = await runPostgresProgram('pg_restore', databaseUrl, ['--list', file]);
  const dumped = / SCHEMA - (.+) \S+$/m.exec(contents)?.[1] ?? 'public';
  if (dumped !== schema)
    throw new Error(`The backup is of the schema ${dumped}, but the search_path leads to ${schema}.`);
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'restore-'));
  try {
    const list = path.join(folder, 'list');
    fs.writeFileSync(list, contents.split('\n').filter(isRestored).join('\n'));
    const options = ['--no-owner', '--single-transaction', '--exit-on-error', `--use-list=${list}`];
    await runPostgresProgram('pg_restore', databaseUrl, [...options, databaseOption(databaseUrl), file]);
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
  await migrateToLatest(databaseUrl);
  const database = new Database({ url: databaseUrl, poolSize: 1, statementTimeoutMs: 60_000 });
  try {
    const compared = await compareEverything(database);
    // The workers need not find out by themselves.
    const server = await readServer(database);
    await database.withDispatcher(readInstallation);
    await database.withDispatcher((work) => markDatabase(work, { known: null, server }));
    return compared;
  } finally {
    await database.close();
  }
}

/** The schema is there, and these policies are of the owner there; migrate creates them for this one. */
const isRestored = (entry: string): boolean =>
  !/ (SCHEMA - |ACL - SCHEMA |COMMENT - SCHEMA )| POLICY .* (backup_rows|owner_rows) /.test(entry);

async function refuseNotEmpty(db: Kysely<unknown>, schema: string): Promise<void> {
  const { rows } = await sql`select from pg_tables where schemaname = ${schema} limit 1`.execute(db);
  if (rows.length > 0)
    throw new Error('The database is not empty. Create an empty one and set DATABASE_URL.');
}

if (require.main === module)
  runTool('restore', async (databaseUrl, file) => {
    const compared = await restore(databaseUrl, file);
    return `The backup is restored. ${compared} integrations are compared with their apps as soon as a worker runs.`;
  });
