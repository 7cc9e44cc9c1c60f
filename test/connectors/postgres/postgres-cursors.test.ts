/** Incremental reading of PostgreSQL by columns of different types, and keys of several columns. */
import { Client } from 'pg';
import type { JsonObject } from '../../../domain/json';
import { RecordRejected } from '../../../connectors/errors';
import { postgres } from '../../../connectors/postgres';
import {
  SETTINGS,
  failureOf,
  idsOf,
  readAll,
  readPage,
  recordsOf,
  tablesOf,
  unreadableOf,
} from '../suite/postgres-tables';
import { type StartedPostgres, startPostgresSource } from '../suite/reading-postgres';

let source: StartedPostgres;

beforeAll(async () => {
  source = await startPostgresSource();
});

afterAll(() => source.stop());

const { given, contextFor } = tablesOf(() => source);

const readSince = async (modified: JsonObject[string], since: string, settings: JsonObject = {}) =>
  idsOf(
    await readAll(contextFor({ ...SETTINGS, modified, ...settings }), { modifiedSince: new Date(since) }),
  );

describe('an incremental run', () => {
  it('reads rows without a value in the modified column, on every page', async () => {
    await given(
      `create table t.things as select n as id, case when n > 5 then '2026-11-21'::timestamptz + n * interval '1 hour' end as at from generate_series(1, 12) n`,
    );

    expect(await readSince('at', '2026-11-21T08:00:00Z')).toEqual([
      '8',
      '9',
      '10',
      '11',
      '12',
      '1',
      '2',
      '3',
      '4',
      '5',
    ]);
    expect(await readSince('at', '2027-01-01T00:00:00Z')).toEqual(['1', '2', '3', '4', '5']);
  });

  it('reads the latest of several columns', async () => {
    await given(
      `create table t.things (id int primary key, created timestamptz, written timestamptz);
insert into t.things values (1, '2026-11-21 10:00Z', null), (2, '2026-11-20 10:00Z', '2026-11-21 10:00Z'), (3, '2026-11-20 10:00Z', '2026-11-20 11:00Z'), (4, null, null), (5, '2026-11-21 10:00Z', '2026-11-20 10:00Z')`,
    );

    expect(await readSince(['written', 'created'], '2026-11-21T09:00:00Z')).toEqual(['1', '2', '5', '4']);
  });

  it.each([
    ['s', 1n, 'bigint'],
    ['s', 1n, 'int'],
    ['ms', 1_000n, 'bigint'],
    ['ms', 1_000n, 'numeric'],
    ['us', 1_000_000n, 'bigint'],
    ['ns', 1_000_000_000n, 'bigint'],
    ['s', 1n, 'float8'],
  ])('reads a number in %s as a time (%s per second, %s)', async (unit, perSecond, type) => {
    const at = BigInt(Date.parse('2026-11-21T10:00:00Z') / 1_000) * perSecond;
    await given(
      `create table t.things (id int primary key, at ${type});
insert into t.things values (1, ${at - perSecond}), (2, ${at}), (3, ${at + 1n}), (4, ${at + 2n}), (5, ${at + 2n}), (6, null)`,
    );

    expect(await readSince({ column: 'at', unit }, '2026-11-21T10:00:00Z')).toEqual([
      '2',
      '3',
      '4',
      '5',
      '6',
    ]);
  });

  it('reads local times in their time zone', async () => {
    await given(
      `create table t.things (id int primary key, at timestamp);
insert into t.things values (1, '2026-07-21 11:59:59'), (2, '2026-07-21 12:00:00')`,
    );

    const modified = { column: 'at', time_zone: 'Europe/Berlin' };
    expect(await readSince(modified, '2026-07-21T10:00:00Z')).toEqual(['2']);
    expect(await readSince('at', '2026-07-21T12:00:00Z')).toEqual(['2']);
  });

  it('misses no change in the hour that clocks repeat', async () => {
    await given(
      `create table t.things (id int primary key, at timestamp);
insert into t.things values (1, '2026-10-25 01:40:00'), (2, '2026-10-25 02:05:00'), (3, '2026-10-25 02:50:00')`,
    );

    // 02:50 in summer time. The change at 02:05 in winter time comes 15 minutes later.
    const modified = { column: 'at', time_zone: 'Europe/Berlin' };
    expect(await readSince(modified, '2026-10-25T00:50:00Z')).toEqual(expect.arrayContaining(['2', '3']));
    expect(await readSince(modified, '2026-10-25T01:50:00Z')).toEqual(['3']);
  });

  it('reads the whole day of a date', async () => {
    await given(
      `create table t.things (id int primary key, at date);
insert into t.things values (1, '2026-11-20'), (2, '2026-11-21'), (3, 'infinity')`,
    );

    expect(await readSince('at', '2026-11-21T15:00:00Z')).toEqual(['2', '3']);
    const modified = { column: 'at', time_zone: 'Pacific/Auckland' };
    expect(await readSince(modified, '2026-11-20T12:00:00Z')).toEqual(['2', '3']);
  });

  it.each([
    ['timestamptz', `'2026-11-21 10:00:00.5+01'`, 'at', '2026-11-21T09:00:00.500Z'],
    ['timestamp', `'2026-11-21 10:00:00'`, 'at', '2026-11-21T10:00:00.000Z'],
    ['bigint', '1795255200000', { column: 'at', unit: 'ms' }, '2026-11-21T10:00:00.000Z'],
    ['date', `'2026-11-21'`, 'at', undefined],
    ['timestamptz', `'infinity'`, 'at', undefined],
    ['timestamp', `'2026-11-21 10:00:00'`, { column: 'at', time_zone: 'Europe/Berlin' }, undefined],
  ])('says when a row was modified, if its %s is an instant: %s', async (type, at, modified, expected) => {
    await given(`create table t.things (id int primary key, at ${type});
insert into t.things values (1, ${at})`);

    const [record] = recordsOf(await readAll(contextFor({ ...SETTINGS, modified })));

    expect(record?.modifiedAt?.toISOString()).toBe(expected);
  });

  it('begins earlier by the overlap of the record type', async () => {
    await given(
      `create table t.things as select n as id, '2026-11-21'::timestamptz + n * interval '1 hour' as at from generate_series(1, 9) n`,
    );

    expect(await readSince('at', '2026-11-21T09:00:00Z', { overlap_minutes: 120 })).toEqual(['7', '8', '9']);
  });

  it.each([
    ['a number without a unit', 'bigint', 'at', '"unit"'],
    ['a text', 'text', 'at', 'timestamptz, timestamp, date'],
    ['a time of day', 'time', 'at', 'timestamptz, timestamp, date'],
    ['a time zone twice', 'timestamptz', { column: 'at', time_zone: 'Europe/Berlin' }, 'Remove "time_zone"'],
    ['a time with a unit', 'timestamptz', { column: 'at', unit: 'ms' }, 'Remove "unit"'],
    ['different types', 'date', ['at', 'also'], 'different types'],
    ['a missing column', 'date', ['at', 'missing'], 'missing'],
  ])('is refused while linking for %s', async (_title, type, modified, words) => {
    await given(`create table t.things (id int primary key, at ${type}, also timestamptz)`);
    const context = contextFor({ ...SETTINGS, modified });

    const failure = await failureOf(postgres.checkRecordType?.('things', context));

    expect(failure).toBeInstanceOf(RecordRejected);
    expect(failure?.message).toContain(words);
    expect(failure?.message).toContain('(record type things)');
  });

  it.each([
    ['at', 'at', '"at"'],
    ['several columns', ['at', 'also'], '"at", "also"'],
  ])('C3: is refused while linking if no row has a value: %s', async (_title, modified, words) => {
    await given(`create table t.things (id int primary key, at timestamptz, also timestamptz)`);
    const check = async () =>
      failureOf(postgres.checkRecordType?.('things', contextFor({ ...SETTINGS, modified })));
    const whenEmpty = await check();
    await source.query('insert into t.things (id) values (1), (2)');

    const refused = await check();
    await source.query('update t.things set at = now() where id = 2');

    expect(refused).toMatchObject({ errors: [{ code: 'modified_empty' }], setting: 'modified' });
    expect(refused?.message).toContain(words);
    expect([whenEmpty, await check()]).toEqual([undefined, undefined]);
  });

  it.each(['Mars/Olympus', '+02', 'UTC+2', ''])('is refused for the time zone "%s"', (zone) => {
    expect(() => contextFor({ ...SETTINGS, modified: { column: 'at', time_zone: zone } })).toThrow(
      'Enter a time zone',
    );
  });
});

describe('rule 52, C2: the time from which the next run reads', () => {
  const asOf = async () => (await readPage(contextFor({ ...SETTINGS, modified: 'at' }))).asOf as Date;
  const clock = async () => (await source.query('select now() as now'))[0]?.['now'] as Date;
  const create = () => given('create table t.things (id int primary key, at timestamptz)');
  /** A transaction of the application that has written a row and is still open. */
  async function open(): Promise<{ since: Date; client: Client }> {
    const client = new Client({ connectionString: source.ownerUrl });
    await client.connect();
    await client.query('begin');
    const { rows } = await client.query<{ at: Date }>('insert into t.things values (1, now()) returning at');
    return { since: (rows[0] as { at: Date }).at, client };
  }

  it('is the clock of the server if no transaction is open', async () => {
    await create();
    const before = await clock();

    expect((await asOf()).getTime()).toBeGreaterThanOrEqual(before.getTime() - 1);
  });

  it('is not later than the beginning of an open transaction, so its rows are read after it', async () => {
    await create();
    await source.query(`grant pg_read_all_stats to ${source.role}`);
    const { since, client } = await open();
    const next = await asOf();
    await client.query('commit');
    await client.end();
    await source.query(`revoke pg_read_all_stats from ${source.role}`);

    expect(next.getTime()).toBeLessThanOrEqual(since.getTime());
    expect(await readSince('at', next.toISOString())).toEqual(['1']);
  });

  it('is an hour earlier while a transaction of a role writes that cannot be inspected', async () => {
    await create();
    const { since, client } = await open();
    const next = await asOf();
    await client.query('rollback');
    await client.end();

    expect(next.getTime()).toBeLessThan(since.getTime() - 59 * 60_000);
  });

  it('is not held back by sessions that write nothing', async () => {
    await create();
    const client = new Client({ connectionString: source.ownerUrl });
    await client.connect();
    const before = await clock();
    const next = await asOf();
    await client.end();

    expect(next.getTime()).toBeGreaterThanOrEqual(before.getTime() - 1);
  });
});

describe('an id of several columns', () => {
  const COMPOSITE = { table: 'things', id: ['company', 'no'], modified: 'at' };
  const create = () =>
    given(
      `create table t.things (company char(4), no bigint, at timestamptz, "name" text, primary key (company, no));
insert into t.things select c, n, '2026-11-21', c || n from unnest(array['b', 'a "x']) c, generate_series(1, 4) n`,
    );
  const IDS = [
    '["a \\"x","1"]',
    '["a \\"x","2"]',
    '["a \\"x","3"]',
    '["a \\"x","4"]',
    '["b","1"]',
    '["b","2"]',
    '["b","3"]',
    '["b","4"]',
  ];

  it('identifies rows over pages, in full and incremental runs', async () => {
    await create();
    const context = contextFor(COMPOSITE);

    await postgres.checkRecordType?.('things', context);

    expect(idsOf(await readAll(context))).toEqual(IDS);
    expect(idsOf(await readAll(context, { modifiedSince: new Date('2026-11-20') }))).toEqual(IDS);
    expect(idsOf(await readAll(context, { modifiedSince: new Date('2026-11-22') }))).toEqual([]);
  });

  it('reports rows without one of its values, and continues', async () => {
    await given(`create table t.things (a int, b int);
insert into t.things select n, case when n % 2 = 0 then n end from generate_series(1, 10) n`);
    const pages = await readAll(contextFor({ table: 'things', id: ['a', 'b'] }));

    expect(idsOf(pages)).toEqual(['["2","2"]', '["4","4"]', '["6","6"]', '["8","8"]', '["10","10"]']);
    expect(unreadableOf(pages)).toHaveLength(5);
  });

  it('does not repeat rows without an id for ever', async () => {
    await given(`create table t.things (id text);
insert into t.things values ('a'), ('b'), (null), (null), (null), (null), (null)`);
    const pages = await readAll(contextFor());

    expect(idsOf(pages)).toEqual(['a', 'b']);
    expect(unreadableOf(pages)).toHaveLength(5);
  });

  it('refuses the cursor of another number of columns', async () => {
    await create();

    const failure = await failureOf(readPage(contextFor(COMPOSITE), { cursor: '["1",null,null]' }));

    expect(failure).toMatchObject({ errors: [{ code: 'unknown_cursor' }] });
  });
});

it('an id of type char(n) has no padding, so another length makes no other record', async () => {
  await given(`create table t.things as select n::char(5) as id, now() as at from generate_series(1, 7) n`);
  const context = contextFor({ ...SETTINGS, modified: 'at' });
  const before = idsOf(await readAll(context));
  await source.query('alter table t.things alter id type char(9)');

  expect(before).toEqual(['1', '2', '3', '4', '5', '6', '7']);
  expect(idsOf(await readAll(context, { modifiedSince: new Date(0) }))).toEqual(before);
});

describe('an id that is not unique', () => {
  it.each<[title: string, statements: string, id: string | string[]]>([
    ['a table without a key', 'create table t.things (id int)', 'id'],
    ['a part of the key', 'create table t.things (id int, b int, primary key (id, b))', 'id'],
    [
      'a partial index',
      'create table t.things (id int, b int);\ncreate unique index on t.things (id) where b is null',
      'id',
    ],
    [
      'an index on an expression',
      'create table t.things (id text);\ncreate unique index on t.things (lower(id))',
      'id',
    ],
    ['other columns', 'create table t.things (a int primary key, id int, b int)', ['id', 'b']],
    [
      'a view with duplicates',
      'create view t.things as select n / 2 as id from generate_series(1, 5) n',
      'id',
    ],
    [
      'a materialized view with duplicates',
      'create materialized view t.things as select n / 2 as id from generate_series(1, 5) n',
      'id',
    ],
  ])('is refused while linking: %s', async (_title, statements, id) => {
    await given(statements);

    const failure = (await failureOf(
      postgres.checkRecordType?.('things', contextFor({ table: 'things', id })),
    )) as RecordRejected;

    expect(failure).toMatchObject({ kind: 'record_rejected', errors: [{ code: 'id_not_unique' }] });
    expect(failure.message).toContain('"t"."things" (record type things)');
  });

  it.each<[title: string, statements: string, id: string | string[]]>([
    ['a unique index on fewer columns', 'create table t.things (id int unique, b int)', ['id', 'b']],
    [
      'a unique index that includes a column',
      'create table t.things (id int, b int);\ncreate unique index on t.things (id) include (b)',
      'id',
    ],
    ['a key in another order', 'create table t.things (id int, b int, primary key (b, id))', ['id', 'b']],
    ['a partitioned table', 'create table t.things (id int primary key) partition by range (id)', 'id'],
    ['a view', 'create view t.things as select n as id from generate_series(1, 5) n', 'id'],
    ['a quoted name', 'create table t.things ("I""d" int primary key)', 'I"d'],
  ])('is accepted: %s', async (_title, statements, id) => {
    await given(statements);

    expect(
      await failureOf(postgres.checkRecordType?.('things', contextFor({ table: 'things', id }))),
    ).toBeUndefined();
  });
});

describe('a mark of deleted rows', () => {
  it.each<[title: string, type: string, is: JsonObject[string], alive: string, gone: string]>([
    ['a flag for living rows', 'boolean', false, 'true', 'false'],
    ['a flag for deleted rows', 'boolean', true, 'null', 'true'],
    ['a number', 'smallint', 0, '1', '0'],
    ['a decimal', 'numeric(3, 1)', 0, '1', '0'],
    ['a padded text', 'char(8)', 'left', `'active'`, `'left'`],
    ['one of several texts', 'text', ['left', "it's over"], `'active'`, `'it''s over'`],
    ['no value', 'date', null, `'2026-01-01'`, 'null'],
    ['an enum', 'hr.grade', 'senior', `'junior'`, `'senior'`],
  ])('is %s (%s)', async (_title, type, is, alive, gone) => {
    await given(
      `create table t.things (id int primary key, at timestamptz default now(), mark ${type});
insert into t.things (id, mark) values (1, ${gone}), (2, ${alive})`,
    );
    const context = contextFor({ ...SETTINGS, modified: 'at', deleted: { column: 'mark', is } });

    await postgres.checkRecordType?.('things', context);

    expect(idsOf(await readAll(context))).toEqual(['2']);
    expect(await postgres.count?.('things', context)).toBe(1);
    const changed = recordsOf(await readAll(context, { modifiedSince: new Date(0) }));
    expect(changed.map(({ remoteId, isDeleted }) => [remoteId, isDeleted])).toEqual([
      ['1', true],
      ['2', false],
    ]);
  });

  it('is refused while linking if its value does not fit the column', async () => {
    await given('create table t.things (id int primary key, active int)');
    const context = contextFor({ ...SETTINGS, deleted: { column: 'active', is: false } });

    expect(await failureOf(postgres.checkRecordType?.('things', context))).toBeInstanceOf(RecordRejected);
  });
});

it('a mapped column that does not exist is refused while linking', async () => {
  await given('create table t.things (id int primary key)');
  const context = contextFor(SETTINGS, {}, source.credentials, ['email']);

  expect((await failureOf(postgres.checkRecordType?.('things', context)))?.message).toContain('"email"');
});
