import { sql } from 'kysely';
import { Database } from '../../../db/database';
import { newUuid } from '../../../db/sql/ids';
import { rowsFrom } from '../../../db/sql/bulk-rows';
import { createTestDatabase, type TestDatabase } from '../../support/environments/database';

const AWKWARD = [
  'plain',
  '',
  ' lead and trail ',
  'NULL',
  'null',
  'a"b',
  'a\\b',
  '\\"',
  '{x,y}',
  '{}',
  ',',
  "o'quote",
  'line\nbreak\ttab\r',
  '\u0001\u001f\u007f',
  'ünï 😀 \u2028',
];
const COLUMNS =
  'name text, fields jsonb, tags text[], is_active boolean, version bigint, due_at timestamptz, attempts int';

let testDatabase: TestDatabase;
let database: Database;

beforeAll(async () => {
  testDatabase = await createTestDatabase();
  database = new Database({
    url: testDatabase.url,
    poolSize: 2,
    statementTimeoutMs: 10_000,
    waitForConnectionMs: 20_000,
  });
});

afterAll(async () => {
  await database.close();
  await testDatabase.drop();
});

const read = (rows: readonly object[]) =>
  database.withTenant(
    newUuid(),
    async ({ trx }) => (await sql<object>`select row.* from ${rowsFrom(rows, COLUMNS)}`.execute(trx)).rows,
  );

const readFields = (rows: readonly object[]) =>
  database.withTenant(newUuid(), async ({ trx }) => {
    const table = rowsFrom(rows, 'name text, fields jsonb, version bigint');
    const inOrder = sql<{ fields: unknown }>`select row.fields from ${table} order by row.version`;
    return (await inOrder.execute(trx)).rows.map(({ fields }) => fields);
  });

describe('rows as one table', () => {
  it('arrive as they were sent, whatever their texts contain', async () => {
    const rows = AWKWARD.map((text, position) => ({
      name: text,
      fields: { [text]: text, list: [text, 1, null, true] },
      tags: [text, 'x', text],
      isActive: position % 2 === 0,
      version: Number.MAX_SAFE_INTEGER,
      dueAt: new Date(1_800_000_000_123 + position),
      attempts: position,
    }));

    const sent = rows.map(({ isActive, dueAt, ...row }) => ({ ...row, is_active: isActive, due_at: dueAt }));

    expect(await read(sent)).toEqual(rows);
  });

  it('arrive as they were sent where nearly all columns are the same in every row', async () => {
    for (const text of AWKWARD) {
      const dueAt = new Date(1_800_000_000_123);
      const shared = { name: text, fields: { [text]: [text, null] }, tags: [text, 'x', text], version: 7 };
      const sent = [1, 2, 3].map((attempts) => ({ ...shared, is_active: null, due_at: dueAt, attempts }));

      expect(await read(sent)).toEqual(
        [1, 2, 3].map((attempts) => ({ ...shared, isActive: null, dueAt, attempts })),
      );
    }
  });

  it('arrive as they were sent where rows share an object, one after the other or not', async () => {
    const [a, b] = [{ shared: 'a' }, { shared: 'b' }];
    const fields = [a, a, b, a, null, b, b];
    const rows = fields.map((field, position) => ({ name: `${position}`, fields: field, version: position }));

    await expect(readFields(rows)).resolves.toEqual(fields);
  });

  it('accept ids in any spelling, and reject texts that are not ids', async () => {
    const id = newUuid();
    const readIds = (ids: string[]) =>
      database.withTenant(id, async ({ trx }) => {
        const { rows } = await sql<{ id: string }>`select row.id from ${rowsFrom(
          ids.map((one) => ({ id: one })),
          'id uuid',
        )}`.execute(trx);
        return rows.map((row) => row.id);
      });

    expect(
      await readIds([
        id,
        id.toUpperCase(),
        id.replaceAll('-', ''),
        '00000000-0000-0000-0000-000000000000',
        'ffffffff-ffff-ffff-ffff-ffffffffffff',
      ]),
    ).toEqual([id, id, id, '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff']);
    for (const wrong of [
      '',
      id.slice(1),
      `${id}0`,
      id.replace(/.$/, 'g'),
      id.replace(/.$/, 'é'),
      id.replace(/.$/, '😀'),
    ])
      await expect(readIds([wrong])).rejects.toThrow('This is not a UUID.');
  });

  it('arrive whole if their texts have more bytes than characters', async () => {
    const rows = ['😀'.repeat(20_000), 'é', '漢字'.repeat(9_000)].map((text) => ({
      name: text,
      fields: { text },
    }));

    const arrived = (await read(rows)) as { name: string; fields: object }[];

    expect(arrived.map(({ name, fields }) => ({ name, fields }))).toEqual(rows);
  });

  it('contain null for null and absent values, and an empty list for an empty one', async () => {
    const [row] = await read([{ name: null, tags: [] }]);

    expect(row).toEqual({
      name: null,
      fields: null,
      tags: [],
      isActive: null,
      version: null,
      dueAt: null,
      attempts: null,
    });
  });

  it('are empty if none are sent', async () => {
    expect(await read([])).toEqual([]);
  });
});
