/** What callers get while a migration holds a lock that every transaction needs (rules.md R6). */
import { Client } from 'pg';
import { isDatabaseAway } from '../../../db/sql/database-away';
import { until } from '../../support/until';
import { expectProblem, startService } from '../support/service';

it('a request gets 503 and Retry-After while a migration locks the tenants, and leaves nothing that waits', async () => {
  const service = await startService();
  const tenant = await service.givenTenant();
  await tenant.viewer.get('/v1/integrations').expect(200);
  const [migration, watcher] = [new Client(service.databaseUrl), new Client(service.databaseUrl)];
  await Promise.all([migration.connect(), watcher.connect()]);
  const waiting = async (): Promise<number> => {
    const { rows } = await watcher.query<{ count: number }>(
      `select count(*)::int as count from pg_stat_activity
       where datname = current_database() and wait_event_type = 'Lock' and query like '%is_tenant_deleted%'`,
    );
    return rows[0]?.count ?? 0;
  };
  await migration.query('begin; lock table tenant_deletions in access exclusive mode');

  const begun = service.database.withTenant(tenant.uuid, async () => 'begun');
  const outcome = await begun.catch((error: unknown) => error);
  const refused = await tenant.viewer.get('/v1/integrations');
  // The lock is still held, so a process that waits as long as it takes would be there.
  await until('no server process waits', async () => (await waiting()) === 0);
  await migration.query('rollback');
  const afterwards = await tenant.viewer.get('/v1/integrations');
  await Promise.all([migration.end(), watcher.end()]);
  await service.close();

  expect(outcome).toBeInstanceOf(Error);
  // So no job that a worker runs meanwhile counts a failure of its own.
  expect(isDatabaseAway(outcome)).toBe(true);
  expectProblem(refused, 503, 'database_unavailable');
  expect(refused.headers['retry-after']).toBe('2');
  expect(afterwards.status).toBe(200);
});
