/**
 * `npm run restore -- FILE`: a backup into an empty database, by its owner. The third parties may hold newer
 * values than the backup, so every integration is compared from the beginning (rules.md 54).
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { type Kysely, sql } from 'kysely';
import { ensureRoles, ensureSchema } from './access-rights';
import { Database } from './database';
import { migrateToLatest } from './migrate';
import { inMigrationTransaction } from './migration-session';
import { databaseOption, runPostgresProgram } from './postgres-client';
import { runTool } from './run-tool';
import { requestSyncRun } from './sync-runs/sync-run-requests';

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
  return compareEverything(databaseUrl);
}

/** The schema is there, and the policy for backups is of the owner there; migrate creates it for this one. */
const isRestored = (entry: string): boolean =>
  !/ (SCHEMA - |ACL - SCHEMA |COMMENT - SCHEMA )| POLICY .* backup_rows /.test(entry);

async function refuseNotEmpty(db: Kysely<unknown>, schema: string): Promise<void> {
  const { rows } = await sql`select from pg_tables where schemaname = ${schema} limit 1`.execute(db);
  if (rows.length > 0)
    throw new Error('The database is not empty. Create an empty one and set DATABASE_URL.');
}

async function compareEverything(url: string): Promise<number> {
  const database = new Database({ url, poolSize: 1, statementTimeoutMs: 60_000 });
  try {
    const tenants = await database.withPlatform(({ trx }) =>
      trx.selectFrom('tenants').select('tenantId').execute(),
    );
    let requested = 0;
    for (const { tenantId } of tenants)
      requested += await database.withTenant(tenantId, async (work) => {
        const integrations = await work.trx
          .selectFrom('integrations')
          .select('integrationId')
          .where('tenantId', '=', tenantId)
          .where('deletedAt', 'is', null)
          .execute();
        let runs = 0;
        for (const { integrationId } of integrations) {
          const asked = { integrationId, startedBy: 'restore', mustFollow: true };
          // A full run reads everything; an integration that only pushes is compared by a nightly one.
          const run =
            (await requestSyncRun(work, { ...asked, kind: 'full' })) ??
            (await requestSyncRun(work, { ...asked, kind: 'nightly' }));
          if (run !== undefined) runs += 1;
        }
        return runs;
      });
    return requested;
  } finally {
    await database.close();
  }
}

if (require.main === module)
  runTool('restore', async (databaseUrl, file) => {
    const compared = await restore(databaseUrl, file);
    return `The backup is restored. ${compared} integrations are compared with their apps as soon as a worker runs.`;
  });
