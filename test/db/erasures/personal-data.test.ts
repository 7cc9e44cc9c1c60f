/** Every column that may hold personal data is on exactly one list (rules.md 62). */
import { PERSONAL_DATA } from '../../../db/erasures/personal-data';
import { openTestDb, type TestDb } from '../given';

let db: TestDb;
beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());

const TEXTS = ['text', 'text[]', 'json', 'jsonb', 'bytea', 'character varying', 'character', 'name', 'xml'];

interface Column {
  table: string;
  column: string;
  type: string;
}

const columns = async (): Promise<Column[]> =>
  (await db.superuser(`
    select relname as "table", attname as "column", format_type(atttypid, null) as type
    from pg_attribute join pg_class on pg_class.oid = attrelid
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
      and relname not like 'kysely%' and attnum > 0 and not attisdropped
    order by 1, attnum`)) as unknown as Column[];

it('rule 62: a new column with text cannot be forgotten by an erasure', async () => {
  const found = await columns();
  const unlisted = found
    .filter(({ type }) => TEXTS.includes(type))
    .filter(({ table, column }) => PERSONAL_DATA[table]?.columns[column] === undefined)
    .map(
      ({ table, column }) =>
        `${table}.${column} may hold personal data and is on no list. Say in db/erasures/personal-data.ts what ` +
        'it holds: row, ids, words, tenant, figure or secret.',
    );

  expect(unlisted).toEqual([]);
});

it('rule 62: the list names no column that does not exist', async () => {
  const existing = new Set((await columns()).map(({ table, column }) => `${table}.${column}`));
  const listed = Object.entries(PERSONAL_DATA).flatMap(
    ([table, { columns: names, deletes = [], key = [] }]) =>
      [...Object.keys(names), ...deletes.filter((by) => by !== 'mentions'), ...key].map(
        (column) => `${table}.${column}`,
      ),
  );

  expect(listed.filter((name) => !existing.has(name))).toEqual([]);
});

it('rule 62: an erasure may change and delete rows of every table with rows of tenants', async () => {
  const tables = (await columns()).filter(({ column }) => column === 'tenant_id').map(({ table }) => table);
  const lacking: string[] = [];
  for (const table of tables) {
    const [row] = await db.superuser(
      `select has_table_privilege('syncline_eraser', $1, 'select') and has_table_privilege('syncline_eraser', $1, 'update')
         and has_table_privilege('syncline_eraser', $1, 'delete')
         and exists (select from pg_policies where tablename = $1 and policyname = 'eraser_rows') as is_erasable`,
      [table],
    );
    if (row?.is_erasable !== true)
      lacking.push(`${table}: its migration has to run the statements of erasable('${table}')`);
  }

  expect(lacking).toEqual([]);
});
