/**
 * `npm run backup -- FILE`: a dump of the schema by its owner. Row-level security would hide every row from
 * an owner without superuser or BYPASSRLS; a policy for backups shows them to it.
 */
import { databaseOption, runPostgresProgram } from './postgres-client';
import { allowBackup, ensureSchema, quoted } from './access-rights';
import { inMigrationTransaction } from './migration-session';
import { runTool } from './run-tool';

export async function backUp(databaseUrl: string, file: string): Promise<void> {
  const schema = await inMigrationTransaction(databaseUrl, async (db) => {
    const found = await ensureSchema(db);
    await allowBackup(db, found); // a table without the policy would be dumped without rows
    return found;
  });
  await runPostgresProgram('pg_dump', databaseUrl, [
    '--format=custom',
    '--enable-row-security',
    '--no-owner',
    `--schema=${quoted(schema)}`,
    `--file=${file}`,
    databaseOption(databaseUrl),
  ]);
}

if (require.main === module)
  runTool('backup', async (databaseUrl, file) => {
    await backUp(databaseUrl, file);
    return `The backup is in ${file}. ENCRYPTION_KEYS is not in it: keep it elsewhere.`;
  });
