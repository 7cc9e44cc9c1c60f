/**
 * Behaviour specific to PostgreSQL, against a real one. What every reading connector guarantees is in
 * shared-reading-suite.ts.
 */
import { Client } from 'pg';
import type { ReadRequest } from '../../../connectors/connector';
import { RateLimited, RecordRejected, Unauthorized, Unavailable } from '../../../connectors/errors';
import { postgres } from '../../../connectors/postgres';
import { createSocketOpener } from '../../../egress/socket-opener';
import type { JsonObject } from '../../../domain/json';
import { loopbackPolicy } from '../suite/given';
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
import { type StartedPostgres, postgresReading, startPostgresSource } from '../suite/reading-postgres';

let source: StartedPostgres;

beforeAll(async () => {
  source = await startPostgresSource();
});

afterAll(() => source.stop());

const { given, contextFor } = tablesOf(() => source);

/** Connections that Syncline's role holds. */
async function connections(): Promise<number> {
  const [row] = await source.query('select count(*)::int as count from pg_stat_activity where usename = $1', [
    source.role,
  ]);
  return row?.['count'] as number;
}

describe('values', () => {
  const VALUES: Record<string, [sql: string, json: unknown]> = {
    'an integer': ['42', 42],
    'a bigint that a number holds': ['9007199254740991::bigint', 9_007_199_254_740_991],
    'a bigint that no number holds': ['9007199254740993::bigint', '9007199254740993'],
    'a negative bigint that no number holds': ['(-9223372036854775808)::bigint', '-9223372036854775808'],
    'a decimal': ['12.50::numeric', 12.5],
    'a decimal with more digits than a double': ['0.12345678901234567890::numeric', '0.12345678901234567890'],
    'a huge decimal': ['1e40::numeric', '10000000000000000000000000000000000000000'],
    'a decimal that is no number': [`'NaN'::numeric`, 'NaN'],
    'a decimal without end': [`'-Infinity'::numeric`, '-Infinity'],
    'a double': ['0.1::float8', 0.1],
    'a double with all its digits': ['(1::float8 / 3)', 1 / 3],
    'the smallest double': [`'5e-324'::float8`, 5e-324],
    'a double that is no number': [`'NaN'::float8`, 'NaN'],
    'a double without end': [`'Infinity'::float8`, 'Infinity'],
    'a single': ['0.1::float4', 0.1],
    'a boolean': ['true', true],
    'its opposite': ['false', false],
    nothing: ['null::text', null],
    'an empty text': [`''`, ''],
    'a text of everything': [`E'a\\tb\\n"c" \\\\ 👩🏽‍💻 שלום'`, 'a\tb\n"c" \\ 👩🏽‍💻 שלום'],
    'a padded text': [`' ab'::char(5)`, ' ab'],
    money: [`'1234.50'::money`, 1234.5],
    'negative money': [`'-0.05'::money`, -0.05],
    'money that no number holds': [`'92233720368547758.07'::money`, '92233720368547758.07'],
    'a list of money': [`array['1'::money, null, '-1234567.8']`, [1, null, -1_234_567.8]],
    'an instant in the hour that clocks repeat': [
      `'2026-10-25 02:30:00 Europe/Berlin'::timestamptz`,
      '2026-10-25T01:30:00Z',
    ],
    'a uuid': [`'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'::uuid`, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
    'a day': [`'2026-02-28'::date`, '2026-02-28'],
    'a day without end': [`'infinity'::date`, 'infinity'],
    'a day before Christ': [`'0044-03-15 BC'::date`, '0044-03-15 BC'],
    'an instant': [`'2026-11-21 10:00:00.123456+02'::timestamptz`, '2026-11-21T08:00:00.123456Z'],
    'an instant without zone': [`'2026-11-21 10:00:00'::timestamp`, '2026-11-21T10:00:00'],
    'an instant without end': [`'-infinity'::timestamptz`, '-infinity'],
    'a time': [`'10:20:30'::time`, '10:20:30'],
    'a duration': [`'1 day 2 hours'::interval`, 'P1DT2H'],
    bytes: [`'\\x00ff10'::bytea`, 'AP8Q'],
    'no bytes': [`''::bytea`, ''],
    JSON: [
      `'{"a": [1, 2.5, null, "x"], "b": {"c": true}}'::json`,
      { a: [1, 2.5, null, 'x'], b: { c: true } },
    ],
    'JSON with numbers that no number holds': [
      `'{"id": 9007199254740993, "in \\"text\\"": "9007199254740993", "p": 0.12345678901234567890, "e": 1e400}'::json`,
      { id: '9007199254740993', 'in "text"': '9007199254740993', p: '0.12345678901234567890', e: '1e400' },
    ],
    'binary JSON': [`'[{"n": 1}]'::jsonb`, [{ n: 1 }]],
    'JSON null': [`'null'::jsonb`, null],
    'a list of numbers': [`'{1,NULL,9007199254740993}'::bigint[]`, [1, null, '9007199254740993']],
    'a list of lists': [
      `'{{1,2},{3,4}}'::int[]`,
      [
        [1, 2],
        [3, 4],
      ],
    ],
    'a list that begins elsewhere': [`'[2:3]={7,8}'::int[]`, [7, 8]],
    'an empty list': [`'{}'::text[]`, []],
    'a list of texts': [
      `array['a,b', 'c"d', 'e\\f', '', 'NULL', '{x}', null]`,
      ['a,b', 'c"d', 'e\\f', '', 'NULL', '{x}', null],
    ],
    'a list of instants': [`array['2026-11-21 10:00:00+00'::timestamptz]`, ['2026-11-21T10:00:00Z']],
    'a list of JSON': [`array['{"a": 1}'::jsonb]`, [{ a: 1 }]],
    'a list of boxes, which has another delimiter': [
      `array['(1,1),(0,0)'::box, '(2,2),(1,1)'::box]`,
      ['(1,1),(0,0)', '(2,2),(1,1)'],
    ],
    'an enum': [`'senior'::hr.grade`, 'senior'],
    'a list of enums': [`array['senior', 'junior']::hr.grade[]`, ['senior', 'junior']],
    'a network': [`'10.0.0.0/8'::cidr`, '10.0.0.0/8'],
    'a range': [`'[1,5)'::int4range`, '[1,5)'],
    'a row': [`row(1, 'x')::text`, '(1,x)'],
    markup: [`'<a/>'::xml`, '<a/>'],
  };

  it('are exact JSON, whatever the formats of the server', async () => {
    const columns = Object.values(VALUES).map(([sql], index) => `${sql} as v${index}`);
    await given(`create table t.things as select 1 as id, ${columns.join(', ')}`);
    await source.query(`alter role ${source.role} set datestyle = 'German'`);
    await source.query(`alter role ${source.role} set timezone = 'Asia/Kathmandu'`);
    await source.query(`alter role ${source.role} set bytea_output = 'escape'`);

    const [record] = recordsOf([await readPage(contextFor())]);

    const read = Object.fromEntries(
      Object.keys(VALUES).map((name, index) => [name, record?.fields[`v${index}`]]),
    );
    expect(read).toEqual(Object.fromEntries(Object.entries(VALUES).map(([name, [, json]]) => [name, json])));
    expect(JSON.parse(JSON.stringify(read))).toEqual(read);
  });

  it('are keyed by the names of their columns, however odd', async () => {
    await given(`create table t."Things; drop table t.x --" ("I""d" int primary key, "/a/b" text, "__proto__" text, "constructor" text, "größe" int);
insert into t."Things; drop table t.x --" values (1, 'a', 'b', 'c', 2)`);
    const context = contextFor({ table: 'Things; drop table t.x --', id: 'I"d' });

    expect(recordsOf([await readPage(context)])).toMatchObject([
      { remoteId: '1', fields: { '/a/b': 'a', constructor: 'c', größe: 2 } },
    ]);
    const [described] = (await postgres.describeRecordTypes?.(context)) ?? [];
    expect(described?.fields.map(({ name }) => name)).toContain('/~1a~1b');
  });

  it('are only those of the requested columns', async () => {
    await given(
      `create table t.things (id int primary key, a int, b int, gone boolean);\ninsert into t.things values (1, 2, 3, false)`,
    );
    const context = contextFor({ ...SETTINGS, deleted: 'gone', columns: ['b'] });

    expect(recordsOf([await readPage(context)])).toEqual([
      {
        remoteId: '1',
        remoteVersion: null,
        fields: { b: 3 },
        externalId: null,
        isDeleted: false,
        modifiedAt: null,
      },
    ]);
    expect(await postgres.describeRecordTypes?.(context)).toMatchObject([
      { fields: [{ name: 'b', type: 'number' }] },
    ]);
  });
});

describe('pages', () => {
  it.each(
    Object.entries({
      bigint: `select n as id from generate_series(9007199254740990, 9007199254741000) n`,
      text: `select chr(96 + n) || '''"\\' as id from generate_series(1, 11) n`,
      uuid: `select gen_random_uuid() as id from generate_series(1, 11)`,
      timestamptz: `select '2026-11-21'::timestamptz + n * interval '1 microsecond' as id from generate_series(1, 11) n`,
      numeric: `select n / 7::numeric as id from generate_series(1, 11) n`,
      double: `select n / 7::float8 as id from generate_series(1, 11) n`,
      'char, padded': `select chr(96 + n)::char(5) as id from generate_series(1, 11) n`,
    }),
  )('follow ids of type %s', async (_type, rows) => {
    await given(`create table t.things as ${rows};\nalter table t.things add primary key (id)`);

    const pages = await readAll(contextFor());

    expect(pages).toHaveLength(4);
    expect(new Set(idsOf(pages)).size).toBe(11);
    expect(unreadableOf(pages)).toEqual([]);
  });

  it('lose no record of many that were modified at the same instant', async () => {
    await given(
      `create table t.things as select n as id, '2026-11-21'::timestamptz as at from generate_series(1, 11) n`,
    );
    const context = contextFor({ ...SETTINGS, modified: 'at' });

    expect(idsOf(await readAll(context, { modifiedSince: new Date('2026-11-21T00:00:00Z') }))).toHaveLength(
      11,
    );
    expect(idsOf(await readAll(context, { modifiedSince: new Date('2026-11-21T00:00:00.001Z') }))).toEqual(
      [],
    );
  });

  it('read instants without zone as UTC, whatever the time zone of the server', async () => {
    await source.query(`alter role ${source.role} set timezone = 'Pacific/Auckland'`);
    await given(
      `create table t.things (id int primary key, at timestamp);\ninsert into t.things values (1, '2026-11-21 09:59:59'), (2, '2026-11-21 10:00:00')`,
    );

    expect(
      idsOf(
        await readAll(contextFor({ ...SETTINGS, modified: 'at' }), {
          modifiedSince: new Date('2026-11-21T10:00:00Z'),
        }),
      ),
    ).toEqual(['2']);
  });

  it('keep their position while rows are inserted and deleted', async () => {
    await given(
      `create table t.things as select n as id from generate_series(10, 20) n;\nalter table t.things add primary key (id)`,
    );
    const context = contextFor();
    const first = await readPage(context);

    await source.query('delete from t.things where id < 13');
    await source.query('insert into t.things values (1), (2), (21)');
    const rest = await readPage(context, { cursor: first.nextCursor });

    expect(idsOf([first, rest])).toEqual(['10', '11', '12', '13', '14', '15']);
  });

  it('read a table without a modification time as a whole', async () => {
    await given(`create table t.things as select n as id from generate_series(1, 4) n`);

    expect(postgres.readAbilities?.(contextFor().config, 'things')).toMatchObject({
      canFilterByModified: false,
      isPagingStable: true,
    });
    expect(idsOf(await readAll(contextFor(), { modifiedSince: new Date() }))).toHaveLength(4);
  });

  it('read views', async () => {
    await given(
      `create table t.base as select n as id from generate_series(1, 4) n;\ncreate view t.things as select id, id * 2 as twice from t.base`,
    );

    expect(recordsOf(await readAll(contextFor())).map(({ fields }) => fields['twice'])).toEqual([2, 4, 6, 8]);
  });

  it.each([
    ['boolean', 'true', 'false'],
    ['timestamptz', 'now()', 'null'],
    ['integer', '1', '0'],
  ])('detect a deleted row by a mark of type %s', async (_type, gone, alive) => {
    await given(
      `create table t.things as select 1 as id, now() as at, ${gone} as mark;\ninsert into t.things values (2, now(), ${alive})`,
    );
    const context = contextFor({ ...SETTINGS, modified: 'at', deleted: 'mark' });

    expect(idsOf(await readAll(context))).toEqual(['2']);
    expect(await postgres.count?.('things', context)).toBe(1);
    const changed = recordsOf(await readAll(context, { modifiedSince: new Date(0) }));
    expect(Object.fromEntries(changed.map(({ remoteId, isDeleted }) => [remoteId, isDeleted]))).toEqual({
      1: true,
      2: false,
    });
  });

  it('report rows without an id, and continue', async () => {
    await given(
      `create table t.things (id int unique);\ninsert into t.things values (1), (null), (2), (null), (3), (4)`,
    );

    const pages = await readAll(contextFor());

    expect(idsOf(pages)).toEqual(['1', '2', '3', '4']);
    expect(unreadableOf(pages)).toMatchObject([{ remoteId: null, code: 'no_id' }, { code: 'no_id' }]);
    expect(await postgres.count?.('things', contextFor())).toBe(6);
  });

  it('report rows that share an id, also where a page ends between them', async () => {
    await given(`create table t.things (id int);\ninsert into t.things values (1), (2), (2), (3), (4), (4)`);

    const pages = await readAll(contextFor());

    expect(idsOf(pages)).toEqual(['1', '2', '3', '4']);
    expect(unreadableOf(pages)).toMatchObject([
      { remoteId: '2', code: 'duplicate_id' },
      { remoteId: '4', code: 'duplicate_id' },
    ]);
    expect(unreadableOf(await readAll(contextFor(SETTINGS, { page_size: 2 })))).toHaveLength(2);
  });

  it('become smaller for wide rows, and leave out a row that is too large', async () => {
    await given(`create table t.things (id int primary key, body text);
insert into t.things select n, repeat('x', 5000000) from generate_series(1, 6) n;
insert into t.things values (7, repeat('y', 17000000));
insert into t.things select n, 'small' from generate_series(8, 30) n`);

    const pages = await readAll(contextFor(SETTINGS, { page_size: 20 }));

    expect(idsOf(pages)).toEqual(
      Array.from({ length: 30 }, (_, index) => String(index + 1)).filter((id) => id !== '7'),
    );
    expect(unreadableOf(pages)).toMatchObject([{ remoteId: '7', code: 'too_large' }]);
    expect(recordsOf(pages).every(({ fields }) => fields['body'] !== undefined)).toBe(true);
  });
});

describe('a mapped column that is gone', () => {
  const MAPPED = ['first_name', '/address/city', 'id'];
  const read = (table: JsonObject = SETTINGS, request: Partial<ReadRequest> = {}) =>
    failureOf(readPage(contextFor(table, {}, source.credentials, MAPPED), request));
  const create = (columns: string) =>
    given(
      `create table t.things as select 1 as id, now() as at, ${columns};\nalter table t.things add primary key (id)`,
    );

  it('fails the record type and names the column after a rename', async () => {
    await create(`'Ada' as first_name, '{}'::jsonb as address`);
    expect(await read()).toBeUndefined();
    await source.query('alter table t.things rename first_name to given_name');

    const failure = (await read()) as RecordRejected;

    expect(failure).toBeInstanceOf(RecordRejected);
    expect(failure.errors).toMatchObject([{ code: 'column_missing' }]);
    expect(failure.message).toContain('"first_name" of "t"."things" (record type things)');
  });

  it('fails an incremental run and a table without rows, and names every column', async () => {
    await create(`1 as "First_Name"`);
    await source.query('delete from t.things');

    const failure = await read({ ...SETTINGS, modified: 'at' }, { modifiedSince: new Date() });

    expect(failure?.message).toContain('The columns "first_name", "address" of "t"."things"');
  });

  it('fails between two pages, and in a view that was replaced', async () => {
    await given(`create table t.base as select n as id, 'x' as first_name, null::jsonb as address from generate_series(1, 9) n;
create view t.things as select * from t.base`);
    const context = contextFor(SETTINGS, {}, source.credentials, MAPPED);
    const { nextCursor } = await readPage(context);
    await source.query('drop view t.things');
    await source.query('create view t.things as select id, address from t.base');
    await source.query(`grant select on t.things to ${source.role}`);

    expect((await failureOf(readPage(context, { cursor: nextCursor })))?.message).toContain('"first_name"');
  });

  it('is refused while linking if "columns" does not list it', () => {
    const { config, mappings } = contextFor(
      { ...SETTINGS, columns: ['id', 'address'] },
      {},
      source.credentials,
      MAPPED,
    );

    expect(postgres.validate?.(config, mappings)).toMatchObject([
      {
        pointer: '/config/record_types/things/columns',
        message: 'The column "first_name" is mapped. Add it to columns.',
      },
    ]);
  });
});

describe('a description', () => {
  it('lists types, required fields, and picklists from enums, domains and checks', async () => {
    await given(`create domain t.size as text check (value in ('S', 'M', 'it''s'));
create domain t.count as int not null;
create table t.things (
  id uuid primary key, happy boolean, born date, at timestamptz not null, price numeric(10,2), extra jsonb, tags text[],
  grade hr.grade, size t.size, n t.count, state varchar(10) check (state in ('on', 'off')), kind text check (kind = any (array['a', 'b'])),
  free text check (length(free) > 2), odd text check (odd in ('a') or odd is null), first_name text)`);

    const [described] =
      (await postgres.describeRecordTypes?.(contextFor({ ...SETTINGS, label: 'The things' }))) ?? [];

    expect(described).toMatchObject({ name: 'things', label: 'The things' });
    const fields = Object.fromEntries(
      (described?.fields ?? []).map(({ name, type, isRequired, values }) => [
        name,
        [type, isRequired, ...(values ? [values] : [])],
      ]),
    );
    expect(fields).toEqual({
      id: ['string', true],
      happy: ['boolean', false],
      born: ['date', false],
      at: ['datetime', true],
      price: ['number', false],
      extra: ['object', false],
      tags: ['array', false],
      grade: ['picklist', false, ['junior', 'senior']],
      size: ['picklist', false, ['S', 'M', "it's"]],
      n: ['number', true],
      state: ['picklist', false, ['on', 'off']],
      kind: ['picklist', false, ['a', 'b']],
      free: ['string', false],
      odd: ['string', false],
      first_name: ['string', false],
    });
    expect(described?.fields.at(-1)?.label).toBe('First name');
  });

  it('notices a value that is added to an enum', async () => {
    await given(`create type t.level as enum ('low');\ncreate table t.things (id int, level t.level)`);
    await source.query(`alter type t.level add value 'high' after 'low'`);

    expect((await postgres.describeRecordTypes?.(contextFor()))?.[0]?.fields[1]).toMatchObject({
      type: 'picklist',
      values: ['low', 'high'],
    });
  });

  it('is refused if the table does not exist, with its name', async () => {
    await given('select 1');

    const failure = await failureOf(postgres.describeRecordTypes?.(contextFor()));

    expect(failure).toBeInstanceOf(RecordRejected);
    expect(failure?.message).toContain('"t"."things"');
  });
});

describe('trouble', () => {
  const REFUSED: Record<string, [statements: string, table: JsonObject, code: string]> = {
    'a table that was dropped': ['select 1', SETTINGS, 'undefined_table'],
    'an id column that is missing': ['create table t.things (key int)', SETTINGS, 'undefined_column'],
    'a column that is missing': [
      'create table t.things (id int)',
      { ...SETTINGS, columns: ['name'] },
      'undefined_column',
    ],
    'a view that writes': [
      `create table t.log (n int);\ncreate function t.write() returns int language sql as 'insert into t.log values (1) returning n';\ncreate view t.things as select t.write() as id`,
      SETTINGS,
      'read_only',
    ],
    'a view that fails': [
      'create view t.things as select 1 / (n - 1) as id from generate_series(1, 2) n',
      SETTINGS,
      '22012',
    ],
  };

  it.each(Object.entries(REFUSED))(
    'is a refused record type with %s',
    async (_title, [statements, table, code]) => {
      await given(statements);

      const failure = (await failureOf(readPage(contextFor(table)))) as RecordRejected;

      expect(failure).toBeInstanceOf(RecordRejected);
      expect(failure.errors).toMatchObject([{ code }]);
      expect(failure.message).toContain('"t"."things" (record type things)');
      expect(failure.isForbidden).toBe(false);
    },
  );

  it('is a refused record type without the permission to read it, with its name', async () => {
    await given('create table t.things (id int)');
    await source.query(`revoke select on t.things from ${source.role}`);

    const failure = (await failureOf(readPage(contextFor()))) as RecordRejected;

    expect(failure).toMatchObject({
      kind: 'record_rejected',
      isForbidden: true,
      errors: [{ code: 'insufficient_privilege' }],
    });
    expect(failure.message).toContain('GRANT SELECT ON "t"."things"');
    await expect(postgres.check(contextFor())).resolves.toBeUndefined();
  });

  it('is a refused record type when the id changes its type in the middle of a pass', async () => {
    await given(`create table t.things as select 'a' || n as id from generate_series(1, 5) n`);
    const { nextCursor } = await readPage(contextFor());
    await given(`create table t.things as select n as id from generate_series(1, 5) n`);

    expect(await failureOf(readPage(contextFor(), { cursor: nextCursor }))).toBeInstanceOf(RecordRejected);
  });

  it.each(['', '{}', '[1,2,3]', '["1",null,"many"]', 'not JSON'])(
    'is a refused cursor of another connector: %s',
    async (cursor) => {
      expect(await failureOf(readPage(contextFor(), { cursor }))).toMatchObject({
        kind: 'record_rejected',
        errors: [{ code: 'unknown_cursor' }],
      });
    },
  );

  it('is a refused record type, and an unavailable check, without the database', async () => {
    const context = contextFor(SETTINGS, { database: 'missing' });

    expect(await failureOf(readPage(context))).toMatchObject({
      kind: 'record_rejected',
      errors: [{ code: 'undefined_database' }],
    });
    expect(await failureOf(postgres.check(context))).toBeInstanceOf(Unavailable);
  });

  it('is Unauthorized for a role that does not exist', async () => {
    expect(
      await failureOf(readPage(contextFor(SETTINGS, {}, { user: 'missing', password: 'x' }))),
    ).toBeInstanceOf(Unauthorized);
  });

  it('is a wait when the database has no free connection', async () => {
    await source.query(`alter role ${source.role} connection limit 0`);

    const failure = await failureOf(readPage(contextFor()));

    await source.query(`alter role ${source.role} connection limit -1`);
    expect(failure).toBeInstanceOf(RateLimited);
    expect(failure).toMatchObject({ retryAfterMs: null });
  });

  it('is Unavailable when the server offers no TLS and we insist on it', async () => {
    const failure = await failureOf(readPage(contextFor(SETTINGS, { tls: true })));

    expect(failure).toBeInstanceOf(Unavailable);
    expect(failure?.message).toContain('offers no TLS');
  });

  it.each([
    ['session is ended', 'pg_terminate_backend'],
    ['statement takes too long, or is canceled,', 'pg_cancel_backend'],
  ])('is Unavailable when the %s in the middle of a page', async (_title, end) => {
    await given(`create table t.things (id int primary key, body text)`);
    const locker = new Client({ connectionString: source.ownerUrl });
    await locker.connect();
    await locker.query('begin; lock table t.things');

    const reading = failureOf(readPage(contextFor()));
    const waiting = `select ${end}(pid) from pg_stat_activity where usename = $1 and wait_event_type = 'Lock'`;
    while ((await source.query(waiting, [source.role])).length === 0);
    const failure = await reading;

    await locker.end();
    expect(failure).toBeInstanceOf(Unavailable);
  });

  it('is Unavailable when the worker stops in the middle of a page, whose session ends', async () => {
    await given(`create table t.things (id int primary key)`);
    const locker = new Client({ connectionString: source.ownerUrl });
    await locker.connect();
    await locker.query('begin; lock table t.things');
    const worker = new AbortController();
    const context = contextFor();
    const sockets = createSocketOpener({
      policy: loopbackPolicy,
      hosts: postgres.hosts(context.config),
      signal: worker.signal,
    });

    const reading = failureOf(readPage({ ...context, signal: worker.signal, sockets }));
    while (
      (
        await source.query(`select 1 from pg_stat_activity where usename = $1 and wait_event_type = 'Lock'`, [
          source.role,
        ])
      ).length === 0
    );
    worker.abort();

    expect(await reading).toBeInstanceOf(Unavailable);
    await locker.end();
  });

  it('leaves no connection behind, after success and failure', async () => {
    await given('create table t.things (id int)');
    await readAll(contextFor());
    await failureOf(readPage(contextFor({ table: 'dropped', id: 'id' })));

    while ((await connections()) > 0) await new Promise((resolve) => setTimeout(resolve, 10));

    expect(await connections()).toBe(0);
  });
});

describe('writing', () => {
  it('is refused if a mapping requires it', () => {
    const { config } = contextFor();
    const mapping = { ...postgresReading.mapping, direction: 'both' as const };

    expect(postgres.validate?.(config, { things: mapping })).toMatchObject([
      { pointer: '/record_types/things/direction' },
    ]);
    expect(postgres.validate?.(config, { things: { ...mapping, direction: 'pull' } })).toEqual([]);
    expect(postgres.validate?.(config, { others: { ...mapping, direction: 'pull' } })).toMatchObject([
      { pointer: '/record_types/others' },
    ]);
  });

  it('does not happen if a record is pushed nevertheless', async () => {
    const item = { pushId: 'psh_1', operation: 'upsert', recordType: 'things' } as Parameters<
      typeof postgres.push
    >[0][number];

    expect(await postgres.push([item], contextFor())).toMatchObject([
      { pushId: 'psh_1', ok: false, error: { kind: 'record_rejected' } },
    ]);
  });
});
