/** A cluster of Debian's PostgreSQL in which the user of DATABASE_URL has no right beyond its database. */
import { sql } from 'kysely';
import { MissingRights } from '../../db/access-rights';
import { migrateToLatest } from '../../db/migrate';
import { migrations } from '../../db/migrations';
import { startService } from '../api/support/service';
import { type Cluster, execute, startCluster } from './own-cluster';

let cluster: Cluster;
let stopService: () => Promise<unknown>;
beforeEach(async () => {
  cluster = await startCluster();
  stopService = async () => undefined;
});
afterEach(async () => {
  await stopService();
  await cluster.server.stop();
});

/** The API accepts a change and shows it. */
async function expectService(databaseUrl: string): Promise<void> {
  const service = await startService({ databaseUrl });
  try {
    const tenant = await service.givenTenant();
    await tenant.operator.put('/v1/records/employees/e-1', { fields: { name: 'A' } }).expect(202);
    const { body } = await tenant.viewer.get('/v1/records/employees/e-1').expect(200);
    expect(body.fields).toEqual({ name: 'A' });
  } finally {
    await service.close();
  }
}

const ALL = Object.keys(migrations);

it('B3: a user that may not create roles gets the SQL that an administrator has to run', async () => {
  const url = await cluster.givenOwner('plain');
  const refusal = await migrateToLatest(url).catch((error: unknown) => error as MissingRights);
  expect(refusal).toBeInstanceOf(MissingRights);
  expect(await execute(url, 'select * from pg_tables where schemaname = current_schema()')).toEqual([]);

  const statements = (refusal as MissingRights).message.split('\n').filter((line) => line.endsWith(';'));
  expect(statements).toHaveLength(10); // five roles, each created and granted
  await cluster.administrator(...statements);

  expect(await migrateToLatest(url)).toEqual(ALL);
  await expectService(url);
});

it('a user that may create roles needs no administrator, and a second database shares the roles', async () => {
  expect(await migrateToLatest(await cluster.givenOwner('first', 'createrole'))).toEqual(ALL);
  const second = await cluster.givenOwner('second');
  const refusal = (await migrateToLatest(second).catch((error: unknown) => error)) as Error;
  expect(refusal.message).not.toContain('create role');

  await cluster.administrator(...refusal.message.split('\n').filter((line) => line.endsWith(';')));

  expect(await migrateToLatest(second)).toEqual(ALL);
  await expectService(second);
});

it('a migration changes the rows of every tenant, also for a user whom row-level security binds', async () => {
  const url = await cluster.givenOwner('plain', 'createrole');
  await migrateToLatest(url);
  const service = await startService({ databaseUrl: url });
  stopService = service.close;
  for (const { operator } of [await service.givenTenant('One'), await service.givenTenant('Two')])
    await operator.put('/v1/records/employees/e-1', { fields: { name: 'A' } }).expect(202);
  const NEXT = '9999-12-31-next';
  migrations[NEXT] = { up: async (db) => void (await sql`update records set fields = '{}'`.execute(db)) };
  try {
    expect(await migrateToLatest(url)).toEqual([NEXT]);
  } finally {
    delete migrations[NEXT];
  }

  const changed = `select from records where fields = '{}'`;
  expect(await execute(cluster.inDatabase(url), changed)).toHaveLength(2);
  expect(await execute(url, changed)).toEqual([]);
});

it('a role that bypasses row-level security is not accepted', async () => {
  const url = await cluster.givenOwner('plain', 'createrole');
  await cluster.administrator('create role syncline_app nologin bypassrls');

  await expect(migrateToLatest(url)).rejects.toThrow(
    'alter role syncline_app nologin nosuperuser nobypassrls',
  );
});

it.each([
  ['B12: of its own by search_path', 'syncline', `alter role plain set search_path = syncline`],
  ['named like the user', 'plain', `select`],
  ['whose name needs quotes', '"Sync line"', `alter role plain set search_path = "Sync line"`],
])('a schema %s works, also with a hardened public', async (_title, schema, setting) => {
  const url = await cluster.givenOwner('plain', 'createrole');
  await cluster.administrator(setting);
  await execute(
    cluster.inDatabase(url),
    `create schema ${schema} authorization plain`,
    'revoke all on schema public from public, pg_database_owner',
  );

  expect(await migrateToLatest(url)).toEqual(ALL);
  expect(await migrateToLatest(url)).toEqual([]);
  await expectService(url);
});

it('two installations in two schemas of one database do not meet', async () => {
  const [one, two] = [await cluster.givenOwner('one', 'createrole'), await cluster.givenOwner('two')];
  await cluster.administrator(
    'grant create on database one to two',
    'create role syncline_app',
    'create role syncline_platform',
    'create role syncline_dispatcher',
    'create role syncline_eraser',
    'create role syncline_webhooks',
    'grant syncline_app, syncline_platform, syncline_dispatcher, syncline_eraser, syncline_webhooks to one, two',
  );
  const twoInOne = two.replace(/\/two$/, '/one');
  await execute(one, 'create schema one');
  await execute(twoInOne, 'create schema two');

  expect(await migrateToLatest(one)).toEqual(ALL);
  expect(await migrateToLatest(twoInOne)).toEqual(ALL);
  await expectService(one);
  await expectService(twoInOne);
});

it('a public schema that the user may not use is named, and the failure leaves nothing behind', async () => {
  const url = await cluster.givenOwner('plain', 'createrole');
  await execute(
    cluster.inDatabase(url),
    'alter schema public owner to syncline',
    'revoke all on schema public from public',
  );

  await expect(migrateToLatest(url)).rejects.toThrow('grant usage, create on schema public to plain');
  await execute(cluster.inDatabase(url), 'grant usage, create on schema public to plain');
  await expect(migrateToLatest(url)).rejects.toThrow('grant usage on schema "public" to syncline_app');
  expect(await execute(url, `select * from pg_tables where schemaname = 'public'`)).toEqual([]);
});

it('B6: policies, grants and protection that are gone are created again, with a message', async () => {
  const url = await cluster.givenOwner('plain', 'createrole');
  await migrateToLatest(url);
  await execute(
    url,
    'drop policy tenant_rows on records',
    'revoke all on records from syncline_app',
    'alter table records disable row level security',
    'alter table records no force row level security',
  );
  const said: string[] = [];

  await migrateToLatest(url, { warn: (message) => said.push(message) });

  expect(said).toEqual(['Policies and grants were missing and were created again: 1 policies.']);
  expect(
    await execute(url, `select relrowsecurity, relforcerowsecurity from pg_class where relname = 'records'`),
  ).toEqual([{ relrowsecurity: true, relforcerowsecurity: true }]);
  await expectService(url);
});

it.each([
  ['B17: a collation of ICU', `locale_provider icu icu_locale 'en-US' locale 'C.UTF-8'`],
  [
    'B17: a collation that ignores punctuation',
    `locale_provider icu icu_locale 'en-u-ka-shifted' locale 'C.UTF-8'`,
  ],
  ['the encoding SQL_ASCII', `encoding 'SQL_ASCII' locale 'C'`],
])('in a database with %s each record is listed once', async (_title, options) => {
  const owner = await cluster.givenOwner('plain', 'createrole');
  await cluster.administrator(`create database other owner plain template template0 ${options}`);
  const url = owner.replace(/plain$/, 'other');
  await migrateToLatest(url);
  const service = await startService({ databaseUrl: url });
  stopService = service.close;
  const tenant = await service.givenTenant();
  const ids = [
    'a',
    'A',
    'a-b',
    'a_b',
    'ab',
    'a b',
    'B',
    'Z',
    'z',
    'ä',
    'Ä',
    'ß',
    'ss',
    'é',
    'e\u0301',
    '10',
    '9',
    '日本',
  ];
  for (const id of ids)
    await tenant.operator
      .put(`/v1/records/employees/${encodeURIComponent(id)}`, { fields: { name: id } })
      .expect(202);

  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? '' : `&cursor=${cursor}`;
    const { body } = await tenant.viewer.get(`/v1/records/employees?limit=1${query}`).expect(200);
    seen.push(...body.data.map((record: { external_id: string }) => record.external_id));
    cursor = body.next_cursor;
  } while (cursor !== null);

  expect(seen.toSorted()).toEqual(ids.toSorted());
});
