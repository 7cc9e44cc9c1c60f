/** PostgreSQL as operators have it: behind PgBouncer, with defaults of their own, after a failover. */
import { sql } from 'kysely';
import { createReadiness } from '../../api/http/readiness';
import { Database } from '../../db/database';
import { migrateToLatest } from '../../db/migrate';
import { migrations } from '../../db/migrations';
import { startService } from '../api/support/service';
import { createTestDatabase, type TestDatabase } from '../support/environments/database';
import { until } from '../support/until';
import { execute } from './own-cluster';
import { startPgBouncer } from './pgbouncer';

let stops: (() => Promise<void>)[];
beforeEach(() => {
  stops = [];
});
afterEach(async () => {
  for (const stop of stops.toReversed()) await stop();
});

async function givenDatabase(): Promise<TestDatabase & { set(setting: string): Promise<unknown> }> {
  const database = await createTestDatabase();
  stops.push(database.drop);
  const elsewhere = new URL(database.url);
  const name = elsewhere.pathname.slice(1);
  elsewhere.pathname = '/postgres';
  return { ...database, set: (setting) => execute(elsewhere.href, `alter database ${name} ${setting}`) };
}

it('migrate behind PgBouncer leaves no lock behind', async () => {
  const empty = await createTestDatabase({ isEmpty: true });
  stops.push(empty.drop);
  const bouncer = await startPgBouncer(empty.url);
  stops.push(bouncer.stop);

  const applied = await Promise.all([migrateToLatest(bouncer.url), migrateToLatest(bouncer.url)]);

  expect(applied.flat()).toEqual(Object.keys(migrations));
  const locks = `select from pg_locks where locktype = 'advisory'
    and database = (select oid from pg_database where datname = current_database())`;
  expect(await execute(empty.url, locks)).toEqual([]);
});

it('B1: a service behind PgBouncer in transaction mode starts and keeps its limits', async () => {
  const { url } = await givenDatabase();
  const bouncer = await startPgBouncer(url);
  const service = await startService({ databaseUrl: bouncer.url });
  stops.push(bouncer.stop, service.close);
  const tenant = await service.givenTenant();

  const puts = Array.from({ length: 20 }, (_, n) =>
    tenant.operator.put(`/v1/records/employees/e-${n}`, { fields: { name: 'A' } }),
  );
  expect((await Promise.all(puts)).map(({ status }) => status)).toEqual(puts.map(() => 202));

  const read = service.database.withTenant(tenant.uuid, async ({ trx }) => {
    const { rows } = await sql`select current_setting('statement_timeout') as statement,
      current_setting('lock_timeout') as lock,
      current_setting('idle_in_transaction_session_timeout') as idle`.execute(trx);
    return rows;
  });
  expect(await read).toEqual([{ statement: '4s', lock: '4s', idle: '30s' }]);
});

it.each([
  ['B14: German dates', `datestyle = 'German, DMY'`],
  ['dates of SQL', `datestyle = 'SQL, DMY'`],
  ['a time zone with minutes', `timezone = 'Asia/Kathmandu'`],
  ['bytes as escapes', `bytea_output = 'escape'`],
  ['intervals of SQL', `intervalstyle = 'sql_standard'`],
  ['fewer digits', `extra_float_digits = -15`],
  ['serializable transactions', `default_transaction_isolation = 'serializable'`],
  ['no row-level security, as for a dump', `row_security = off`],
  ['backslashes that escape', `standard_conforming_strings = off`],
  ['null that equals null', `transform_null_equals = on`],
  ['no null in arrays', `array_nulls = off`],
  ['sessions that end when they are idle', `idle_session_timeout = 50`],
])('a database whose default is %s accepts valid keys and shows what was stored', async (_title, setting) => {
  const database = await givenDatabase();
  await database.set(`set ${setting}`);
  const service = await startService({ databaseUrl: database.url });
  stops.push(service.close);
  const tenant = await service.givenTenant();

  const fields = { ratio: 0.1234567890123, start_date: '2026-02-01' };
  await tenant.operator.put('/v1/records/employees/e-1', { fields }).expect(202);
  const { body } = await tenant.viewer.get('/v1/records/employees/e-1').expect(200);

  const { body: keys } = await tenant.admin.get('/v1/api-keys').expect(200);

  expect(body).toMatchObject({ fields });
  const ages = keys.data.map((key: { created_at: string }) => Date.now() - Date.parse(key.created_at));
  expect(Math.max(...ages.map(Math.abs))).toBeLessThan(600_000);
});

it('a database whose default limits a statement to 250 ms lets longer ones end', async () => {
  const database = await givenDatabase();
  await database.set('set statement_timeout = 250');
  const own = new Database({ url: database.url, poolSize: 1, statementTimeoutMs: 4_000 });
  stops.push(() => own.close());

  const slow = own.withPlatform(({ trx }) => sql`select pg_sleep(0.5)`.execute(trx));

  await expect(slow).resolves.toBeDefined();
});

it('B10: writes succeed after a failover without a restart, and readiness says why not before', async () => {
  const database = await givenDatabase();
  const service = await startService({ databaseUrl: database.url });
  stops.push(service.close);
  const tenant = await service.givenTenant();
  await database.set('set default_transaction_read_only = on');
  const stale = new Database({ url: database.url, poolSize: 3, statementTimeoutMs: 4_000 });
  stops.push(() => stale.close());
  const write = () =>
    stale.withTenant(tenant.uuid, ({ trx }) => sql`delete from idempotency_keys`.execute(trx));

  const refused = await Promise.allSettled([write(), write(), write()]);
  expect(refused).toEqual(refused.map(() => expect.objectContaining({ status: 'rejected' })));
  expect((await createReadiness({ database: stale }).report()).postgresql).toEqual({
    status: 'failed',
    detail: expect.stringContaining('takes no writes'),
  });
  await database.set('reset default_transaction_read_only');

  for (let tries = 0; tries < 3; tries += 1) await write();
  await stale.inspect();
});

it('a connection that only reads follows a failover once readiness was asked', async () => {
  const database = await givenDatabase();
  await database.set('set default_transaction_read_only = on');
  const stale = new Database({ url: database.url, poolSize: 1, statementTimeoutMs: 4_000 });
  stops.push(() => stale.close());
  const isReadOnly = () =>
    stale.withPlatform(async ({ trx }) => {
      const { rows } = await sql<{ value: string }>`show transaction_read_only`.execute(trx);
      return Object.values(rows[0] as object)[0] === 'on';
    });
  expect(await isReadOnly()).toBe(true);
  await database.set('reset default_transaction_read_only');
  expect(await isReadOnly()).toBe(true);

  await stale.inspect();

  await until('a connection that takes writes', async () => !(await isReadOnly()));
});
