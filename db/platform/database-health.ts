/** What a process needs of PostgreSQL: an answer, writes, a schema, roles, protected tables, the time. */
import { failedUnless, type Findings, judgeClock } from '../../domain/health';
import type { Database } from '../database';
import { migrations } from '../migrations';

export async function askDatabase(database: Database, withinMs: number): Promise<Findings> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Findings>((resolve) => {
    timer = setTimeout(resolve, withinMs, {
      postgresql: failedUnless(false, `PostgreSQL has not answered within ${withinMs / 1_000} s.`),
    });
  });
  const answer = findings(database).catch(() => ({
    postgresql: failedUnless(false, 'PostgreSQL cannot be reached or refuses this process.'),
  }));
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

async function findings(database: Database): Promise<Findings> {
  const askedAt = Date.now();
  const { isReadOnly, now, missingRoles, openTables } = await database.inspect();
  const answeredAt = Date.now();
  const applied = new Set(await database.appliedMigrations().catch(() => []));
  const missing = Object.keys(migrations).filter((name) => !applied.has(name));
  // The answer was made at some time between the request and the answer.
  const skewMs = now.getTime() < askedAt ? askedAt - now.getTime() : Math.min(0, answeredAt - now.getTime());
  return {
    postgresql: failedUnless(
      !isReadOnly,
      'PostgreSQL takes no writes: this server is a standby or read-only.',
    ),
    clock: judgeClock(skewMs),
    schema: failedUnless(
      missing.length === 0,
      `The database lacks migrations: ${missing.join(', ')}. Run npm run migrate.`,
    ),
    roles: failedUnless(
      missingRoles.length === 0,
      `The user of DATABASE_URL cannot use the roles ${missingRoles.join(', ')}. Grant them to it.`,
    ),
    grants: failedUnless(
      openTables.length === 0,
      `Tables without forced row-level security, policies or grants: ${openTables.join(', ')}.`,
    ),
  };
}
