/**
 * Migrations: applied once, by several processes at once, repeated after a failure, refused on other
 * versions' data.
 */
import { setTimeout } from 'node:timers/promises';
import { Kysely, Migrator, PostgresDialect } from 'kysely';
import { Client, Pool } from 'pg';
import { Database } from '../../db/database';
import { IncompatibleDatabase, migrateToLatest } from '../../db/migrate';
import { migrations } from '../../db/migrations';
import { migrateEmbedded } from '../../dev/start/stores';
import { newUuid } from '../../db/sql/ids';
import { createTestDatabase, type TestDatabase } from '../support/environments/database';

let empty: TestDatabase;
beforeEach(async () => {
  empty = await createTestDatabase({ isEmpty: true });
});
afterEach(() => empty.drop());

async function query(statement: string): Promise<unknown[]> {
  const client = new Client({ connectionString: empty.url });
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

const openDatabase = () =>
  new Database({ url: empty.url, poolSize: 1, statementTimeoutMs: 10_000, waitForConnectionMs: 20_000 });

async function appliedMigrations(): Promise<string[]> {
  const database = openDatabase();
  try {
    return await database.appliedMigrations();
  } finally {
    await database.close();
  }
}

/** Applies the first migrations only. */
async function migrateTo(...names: string[]): Promise<void> {
  const db = new Kysely<unknown>({
    dialect: new PostgresDialect({ pool: new Pool({ connectionString: empty.url }) }),
  });
  const first = Object.fromEntries(Object.entries(migrations).filter(([name]) => names.includes(name)));
  try {
    const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(first) } });
    expect(await migrator.migrateToLatest()).not.toHaveProperty('error', expect.anything());
  } finally {
    await db.destroy();
  }
}

/** A database whose migration table lists other names than this version's. */
async function createDatabaseOf(...names: string[]): Promise<void> {
  await query('create table kysely_migration (name text primary key, timestamp text not null)');
  for (const name of names) await query(`insert into kysely_migration values ('${name}', '')`);
}

describe('migrations', () => {
  it('are applied once, and running them again changes nothing', async () => {
    expect(await migrateToLatest(empty.url)).toEqual(Object.keys(migrations));

    expect(await migrateToLatest(empty.url)).toEqual([]);
    expect(await appliedMigrations()).toEqual(Object.keys(migrations));
  });

  it('are applied to a database of a version that had only some of those of the same day', async () => {
    const earlier = Object.keys(migrations).filter((name) => name < '2026-12-02-mail');
    await migrateTo(...earlier, '2026-12-02-unfinished-pushes');

    const applied = await migrateToLatest(empty.url);

    expect(applied).toHaveLength(Object.keys(migrations).length - earlier.length - 1);
    expect(await appliedMigrations()).toHaveLength(Object.keys(migrations).length);
  });

  it('wait for no transaction of a running process when there is nothing to do', async () => {
    await migrateToLatest(empty.url);
    const client = new Client({ connectionString: empty.url });
    await client.connect();
    try {
      await client.query('begin');
      await client.query('lock table tenants, records, record_syncs, outbox in row exclusive mode');

      expect(await migrateToLatest(empty.url)).toEqual([]);
    } finally {
      await client.end();
    }
  });

  it('are applied by one of several processes that start at once; the others wait', async () => {
    const applied = await Promise.all(Array.from({ length: 4 }, () => migrateToLatest(empty.url)));

    expect(applied.flat()).toEqual(Object.keys(migrations));
    expect(await appliedMigrations()).toEqual(Object.keys(migrations));
  });

  it('leave nothing behind when one fails, and can be repeated', async () => {
    await query('create table outbox (in_the_way int)');
    await expect(migrateToLatest(empty.url)).rejects.toThrow(/outbox/);
    const left = await query(
      `select tablename from pg_tables where schemaname = 'public' and tablename in ('tenants', 'records')`,
    );
    expect(left).toEqual([]);

    await query('drop table outbox');
    expect(await migrateToLatest(empty.url)).toEqual(Object.keys(migrations));
  });
});

describe('indexes of tables that grow for ever', () => {
  const former = Object.keys(migrations).filter((name) => name < '2026-12-04');
  const INDEXES = ['emails_open', 'record_syncs_due_by_kind', 'record_syncs_due_windows', 'sync_runs_open'];
  const built = () =>
    query(`select relname as name from pg_index join pg_class on pg_class.oid = indexrelid
      where indisvalid and relname in ('${INDEXES.join("', '")}') order by 1`);

  it('rule 60: are built before the migration, while processes write', async () => {
    await migrateTo(...former);
    await query('create table leases (in_the_way int)');

    await expect(migrateToLatest(empty.url)).rejects.toThrow(/leases/);
    expect(await built()).toEqual(INDEXES.map((name) => ({ name })));

    await query('drop table leases');
    await migrateToLatest(empty.url);
    expect(await built()).toEqual(INDEXES.map((name) => ({ name })));
  });

  it('rule 60: are built again if a process died while it built them', async () => {
    await migrateTo(...former);
    await query(`create index record_syncs_due_windows on record_syncs (tenant_id);
      update pg_index set indisvalid = false where indexrelid = 'record_syncs_due_windows'::regclass`);

    await migrateToLatest(empty.url);

    expect(await query(`select pg_get_indexdef('record_syncs_due_windows'::regclass) as index`)).toEqual([
      { index: expect.stringContaining('is_backfill') as string },
    ]);
    expect(await built()).toHaveLength(INDEXES.length);
  });
});

describe('the tables that are partitioned', () => {
  const earlier = Object.keys(migrations).filter((name) => name !== '2026-12-04-partitions');
  const indexFiles = (table: string) =>
    query(`select relfilenode::int as file from pg_index join pg_class on pg_class.oid = indexrelid
      where indrelid = '${table}'::regclass order by 1`);
  const givenRows = (id: string) =>
    query(`insert into webhook_attempts (tenant_id, webhook_delivery_id, attempt, at, duration_ms, request_headers)
        values ('${tenantId}', '${id}', 1, now(), 1, '{}');
      insert into audit_log (tenant_id, audit_id, actor, action, detail, request_id)
        values ('${tenantId}', '${id}', 'x', 'y', '{}', 'r');
      insert into events (tenant_id, event_id, sequence, type, payload, created_at)
        values ('${tenantId}', '${id}', (select count(*) from events), 'TEST', '{}', now())`);
  const tenantId = newUuid();

  it('F11: keep their rows and indexes in place, and processes of the former release can write', async () => {
    await migrateTo(...earlier);
    const [id, foreign] = [newUuid(), `f${newUuid().slice(1)}`];
    await givenRows(id);
    await query(`insert into audit_log (tenant_id, audit_id, actor, action, detail, request_id)
      values ('${tenantId}', '${foreign}', 'x', 'y', '{}', 'r')`);
    const before = await indexFiles('events');

    await migrateToLatest(empty.url);

    expect(await indexFiles('events_before')).toEqual(before);
    expect(
      await query(`select audit_id, tableoid::regclass::text as partition from audit_log order by 1`),
    ).toEqual([
      { audit_id: id, partition: 'audit_log_before' },
      { audit_id: foreign, partition: 'audit_log_other' },
    ]);
    await givenRows(newUuid());
    expect(await query('select from events_other')).toEqual([]);
    expect(await query('select from events')).toHaveLength(2);
    const checks = `select from pg_constraint where conname like '%_is_before'`;
    expect(await query(checks)).toEqual([]);
    const database = openDatabase();
    expect((await database.inspect()).openTables).toEqual([]);
    await database.close();
  });

  it('F11: are migrated although a deadlock with a process that writes ends the migration', async () => {
    await migrateTo(...earlier);
    const writer = new Client({ connectionString: empty.url });
    await writer.connect();
    const waits = `select from pg_locks where not granted and relation = 'webhook_deliveries'::regclass`;
    try {
      await writer.query('begin; lock table webhook_deliveries in row exclusive mode');
      const migrated = migrateToLatest(empty.url);
      while ((await query(waits)).length === 0) await setTimeout(10);
      await writer.query('lock table events in row exclusive mode'); // the migration holds it
      await writer.query('commit');

      expect(await migrated).toEqual(['2026-12-04-partitions']);
    } finally {
      await writer.end();
    }
  });

  it('are ready again after a restore without roles, which loses the grants of partitions', async () => {
    await migrateTo(...earlier);
    await migrateToLatest(empty.url);
    await query('revoke all on events, events_before, events_other from syncline_app, syncline_eraser');

    await migrateToLatest(empty.url);

    const database = openDatabase();
    expect((await database.inspect()).openTables).toEqual([]);
    await database.close();
  });

  it('take later ids again when their migration has failed', async () => {
    await migrateTo(...earlier);
    await query('create table events_before (in_the_way int)');

    await expect(migrateToLatest(empty.url)).rejects.toThrow(/events_before/);

    await givenRows(`f${newUuid().slice(1)}`);
  });
});

describe('the mappings of SCIM integrations', () => {
  it('A2: name members of lists by their sub-attributes instead of their positions', async () => {
    const fields = [
      { name: 'email', to: '/emails/0/value', type: 'string' },
      { to: '/emails/0/type', constant: 'work' },
      { to: '/emails/0/primary', constant: true },
      { name: 'private', to: '/emails/1/value' },
      { name: 'kind', to: '/emails/1/type' },
      { name: 'phone', to: '/phoneNumbers/0/value' },
      { name: 'other', to: '/phoneNumbers/1/value' },
      { name: 'thing', to: '/urn:x:2.0:User/things/0/value' },
      { name: 'user_name', to: '/userName' },
    ];
    await migrateTo('2026-11-28-baseline');
    await query(`insert into tenants (tenant_id, name, time_zone) values (gen_random_uuid(), 'T', 'UTC')`);
    for (const connector of ['scim', 'rest'])
      await query(
        `insert into integrations (tenant_id, integration_id, connector, app, account_name, config,
           record_types, grace_period_ms, initial_push)
         select tenant_id, gen_random_uuid(), '${connector}', 'app', 'a', '{}',
           '${JSON.stringify({ employees: { direction: 'both', onDelete: 'leave', fields } })}', 0, 'none'
         from tenants`,
      );

    await migrateToLatest(empty.url);

    const rows = await query('select connector, record_types from integrations order by connector desc');
    expect(rows).toEqual([
      {
        connector: 'scim',
        record_types: {
          employees: {
            direction: 'both',
            onDelete: 'leave',
            fields: [
              { name: 'email', to: 'emails[type eq "work"].value', type: 'string' },
              { to: 'emails[type eq "work"].primary', constant: true },
              { name: 'private', to: 'emails[primary eq true].value' },
              { name: 'kind', to: 'emails[primary eq true].type' },
              { name: 'phone', to: 'phoneNumbers[primary eq true].value' },
              { name: 'other', to: '/phoneNumbers/1/value' },
              { name: 'thing', to: 'urn:x:2.0:User:things[primary eq true].value' },
              { name: 'user_name', to: '/userName' },
            ],
          },
        },
      },
      { connector: 'rest', record_types: { employees: { direction: 'both', onDelete: 'leave', fields } } },
    ]);
  });
});

describe('the addresses of people (X6)', () => {
  const add = (id: number, email: string) =>
    query(`
      insert into people (tenant_id, person_id, name, email, role, created_at, updated_at)
      select tenant_id, '00000000-0000-7000-8000-00000000000${id}', 'A', '${email}', 'admin', now(), now()
        from tenants limit 1`);
  const addresses = async () =>
    (await query('select email, canonical_email from people order by person_id')) as {
      email: string;
      canonical_email: string | null;
    }[];

  it('get their canonical form; of two notations of one address the plain one has it, which is said', async () => {
    await migrateTo(...Object.keys(migrations).filter((name) => name < '2026-12-03'));
    await query(`insert into tenants (tenant_id, name, time_zone) values (gen_random_uuid(), 'T', 'UTC')`);
    const emails = [
      'Ana@Example.org',
      'ａｄｍｉｎ@example.org',
      'admin@example.org',
      'a@exämple.de',
      'a@xn--exmple-cua.de',
    ];
    for (const [index, email] of emails.entries()) await add(index + 1, email);
    const messages: string[] = [];

    await migrateToLatest(empty.url, { warn: (message) => messages.push(message) });

    expect((await addresses()).map(({ canonical_email }) => canonical_email)).toEqual([
      'ana@example.org',
      null,
      'admin@example.org',
      'a@xn--exmple-cua.de',
      null,
    ]);
    expect(messages.filter((message) => message.includes('in another notation'))).toEqual([
      expect.stringMatching(
        /^The e-mail address of psn_\w+2 of ten_\w+ is that of psn_\w+3 of ten_\w+ in another/,
      ),
      expect.stringMatching(
        /^The e-mail address of psn_\w+5 of ten_\w+ is that of psn_\w+4 of ten_\w+ in another/,
      ),
    ]);
  });

  it('get it with the next migration if a process of an earlier version added or changed the person', async () => {
    await migrateToLatest(empty.url);
    await query(`insert into tenants (tenant_id, name, time_zone) values (gen_random_uuid(), 'T', 'UTC')`);
    await add(1, 'Late@Example.org');
    const messages: string[] = [];
    const migrate = () => migrateToLatest(empty.url, { warn: (message) => messages.push(message) });

    await migrate();
    expect(await addresses()).toEqual([{ email: 'Late@Example.org', canonical_email: 'late@example.org' }]);
    await query(`update people set email = 'New@Example.org'`);
    await migrate();

    expect(await addresses()).toEqual([{ email: 'New@Example.org', canonical_email: 'new@example.org' }]);
    expect(messages).toEqual([]);
  });
});

describe('a database of another version', () => {
  it.each([
    ['the migrations of 0.1.0', ['2026-11-21-push', '2026-11-21-sync-runs', '2026-11-27-first-passes']],
    ['unknown migrations only', ['2020-01-01-unknown']],
  ])('is refused with the way to start over: %s', async (_title, names) => {
    await createDatabaseOf(...names);

    const refused = migrateToLatest(empty.url);

    await expect(refused).rejects.toThrow(IncompatibleDatabase);
    await expect(refused).rejects.toThrow(
      'This database was created by a version of Syncline before 0.2.0, and its data cannot be migrated. ' +
        'To start over, create an empty database, set DATABASE_URL to it and run npm run migrate again.',
    );
    expect(await query(`select to_regclass('tenants') as tenants`)).toEqual([{ tenants: null }]);
  });

  it('is refused by npm start, which says that its folder has to be deleted', async () => {
    await createDatabaseOf('2026-11-21-push');

    await expect(migrateEmbedded(empty.url)).rejects.toThrow(
      /before 0\.2\.0.* To start over, delete the \.syncline folder and run npm start again\.$/,
    );
  });

  it('B22: is accepted when a newer version has migrated it, which is said', async () => {
    await migrateToLatest(empty.url);
    await query(`insert into kysely_migration values ('2030-01-01-later', '')`);
    const said: string[] = [];

    expect(await migrateToLatest(empty.url, { warn: (message) => said.push(message) })).toEqual([]);

    expect(said).toEqual([
      'This database was migrated by a newer version of Syncline (2030-01-01-later). ' +
        'Every migration of this version is applied, so it can run.',
    ]);
  });

  it('is refused when it lacks a migration that only this version has', async () => {
    await createDatabaseOf('2026-11-28-baseline', '2030-01-01-later');

    await expect(migrateToLatest(empty.url)).rejects.toThrow(
      /another version of Syncline \(2030-01-01-later\) and lacks migrations of this one \(/,
    );
  });
});
