/** Tables that are read in ranges of their id, several at the same time (rules.md 60). */
import { postgres } from '../../../connectors/postgres';
import { SETTINGS, type Context, idsOf, readAll, tablesOf, unreadableOf } from '../suite/postgres-tables';
import { type StartedPostgres, startPostgresSource } from '../suite/reading-postgres';

let source: StartedPostgres;

beforeAll(async () => {
  source = await startPostgresSource();
});

afterAll(() => source.stop());

const { given, contextFor } = tablesOf(() => source);
const PAGES = { page_size: 40 };

const divide = async (context: Context, { atMost = 4, fromRecords = 10 } = {}) =>
  (await postgres.ranges?.({ recordType: 'things', atMost, fromRecords }, context)) ?? [];
const readRanges = (context: Context, ranges: readonly string[]) =>
  Promise.all(ranges.map((range) => readAll(context, { range })));

/** Divides a table, reads the ranges, and expects each row in one of them. */
async function expectEachRowOnce(table = SETTINGS as Parameters<typeof contextFor>[0], ranges = 4) {
  const context = contextFor(table, PAGES);
  const divided = await divide(context);
  expect(divided).toHaveLength(ranges);
  const pages = (await readRanges(context, divided)).flat();
  const whole = idsOf(await readAll(context));
  expect(idsOf(pages).toSorted()).toEqual(whole.toSorted());
  return { context, divided, whole, pages };
}

describe('a table that is divided into ranges', () => {
  it('has ranges of about the same size, in the order of the id', async () => {
    await given(`create table t.things as select n as id from generate_series(1, 1000) n`);
    const { context, divided } = await expectEachRowOnce();

    const sizes = (await readRanges(context, divided)).map((pages) => idsOf(pages).length);
    expect(sizes).toEqual([250, 250, 250, 250]);
  });

  it('has ranges for ids that come later, below the first and above the last one', async () => {
    await given(`create table t.things as select n as id from generate_series(-500, 499) n`);
    const context = contextFor(SETTINGS, PAGES);
    const divided = await divide(context);
    await source.query('insert into t.things values (-10000), (10000)');
    await source.query('delete from t.things where id between -300 and -201');
    await source.query('update t.things set id = id + 20000 where id between 0 and 9');

    const ids = (await readRanges(context, divided)).flatMap(idsOf).map(Number);
    expect(ids.toSorted((a, b) => a - b)).toEqual(
      (await source.query('select id from t.things order by id')).map(({ id }) => id),
    );
  });

  it.each([
    ['uuid', `md5(n::text)::uuid`, 'uuid'],
    ['text in the order of bytes', `'Key ' || md5(n::text)`, 'text collate "C"'],
    [
      'text in the order of ICU',
      `(array['ä', 'Z', 'a', 'Å', '-'])[n % 5 + 1] || n`,
      'text collate "und-x-icu"',
    ],
    ['text in the order of the database', `chr(65 + n % 60) || n`, 'text'],
    ['padded text', `lpad(n::text, n % 5 + 4)`, 'char(12)'],
    ['large numbers', `n * 1e30`, 'numeric'],
    ['times', `'2026-11-21'::timestamptz + n * interval '1 second'`, 'timestamptz'],
  ])('holds each row once with an id of the type %s', async (_title, value, type) => {
    await given(`create table t.things (id ${type} primary key);
insert into t.things select ${value} from generate_series(1, 500) n on conflict do nothing`);
    const { whole } = await expectEachRowOnce();
    expect(whole.length).toBeGreaterThan(400);
  });

  it('holds each row once with an id of several columns of different types and orders', async () => {
    await given(
      `create table t.things (total int, "Place" text collate "und-x-icu", day date, primary key (total, "Place", day));
insert into t.things select n % 3, 'ö' || n % 7, date '2026-01-01' + n from generate_series(1, 500) n`,
    );
    const { whole } = await expectEachRowOnce({ table: 'things', id: ['total', 'Place', 'day'] });
    expect(whole).toHaveLength(500);
  });

  it('holds each row once when most rows have the same first column', async () => {
    await given(`create table t.things (a int, b int, primary key (a, b));
insert into t.things select case when n > 50 then 7 else n end, n from generate_series(1, 1000) n`);
    const { context, divided } = await expectEachRowOnce({ table: 'things', id: ['a', 'b'] });
    const sizes = (await readRanges(context, divided)).map((pages) => idsOf(pages).length);
    expect(Math.max(...sizes)).toBe(250);
  });

  it('holds each row of partitions, of a view, and of a materialized view once', async () => {
    await given(`create table t.parts (id int, kind int) partition by list (kind);
create table t.parts_0 partition of t.parts for values in (0);
create table t.parts_1 partition of t.parts for values in (1);
insert into t.parts select n, n % 2 from generate_series(1, 600) n;
create view t.things as select id from t.parts where id % 3 > 0;
create materialized view t.kept as select id from t.parts`);
    const tables = [SETTINGS, { table: 'parts', id: 'id' }, { table: 'kept', id: 'id' }];
    const read: number[] = [];
    for (const table of tables) read.push((await expectEachRowOnce(table)).whole.length);
    expect(read).toEqual([400, 600, 600]);
  });

  it('counts rows without an id once, and rows that share one where they are', async () => {
    await given(`create table t.things (id int);
insert into t.things select n from generate_series(1, 200) n;
insert into t.things values (null), (null), (50), (100), (100), (150)`);
    const { pages } = await expectEachRowOnce();

    expect(unreadableOf(pages).map(({ code, remoteId }) => [code, remoteId])).toEqual(
      expect.arrayContaining([
        ['no_id', null],
        ['duplicate_id', '50'],
        ['duplicate_id', '100'],
        ['duplicate_id', '150'],
      ]),
    );
    expect(unreadableOf(pages).filter(({ code }) => code === 'no_id')).toHaveLength(2);
  });

  it('keeps deleted rows out of every range', async () => {
    await given(`create table t.things (id int primary key, gone boolean);
insert into t.things select n, n % 2 = 0 from generate_series(1, 400) n`);
    const { whole } = await expectEachRowOnce({ ...SETTINGS, deleted: 'gone' });
    expect(whole).toHaveLength(200);
  });

  it('is looked at in part: the bounds of a large table come from a sample', async () => {
    await given(`create table t.things (id int primary key, filler text) with (fillfactor = 10);
insert into t.things select n, repeat('x', 700) from generate_series(1, 8000) n`);
    const context = contextFor(SETTINGS, { page_size: 1_000 });
    const divided = await divide(context);
    const sizes = (await readRanges(context, divided)).map((pages) => idsOf(pages).length);

    expect(sizes.reduce((sum, size) => sum + size)).toBe(8_000);
    expect(sizes).toHaveLength(4);
    expect(Math.min(...sizes)).toBeGreaterThan(500);
  });
});

describe('a table that is not divided', () => {
  it.each([
    ['is empty', 'create table t.things (id int)'],
    [
      'has fewer rows than it is worth',
      'create table t.things as select n as id from generate_series(1, 9) n',
    ],
    ['has a single id', 'create table t.things as select 1 as id from generate_series(1, 1)'],
    ['does not exist', 'create table t.others (id int)'],
    ['has no such id column', 'create table t.things as select n as other from generate_series(1, 99) n'],
  ])('%s', async (_title, statement) => {
    await given(statement);
    expect((await divide(contextFor(SETTINGS, PAGES))).length).toBeLessThan(2);
  });

  it('is read in one piece where all rows share one id', async () => {
    await given(`create table t.things as select 1 as id from generate_series(1, 100)`);
    const context = contextFor(SETTINGS, PAGES);
    const divided = await divide(context);
    expect(divided).toHaveLength(2);
    expect((await readRanges(context, divided)).flatMap(idsOf)).toEqual(['1']);
  });
});
