/** An export holds every row of the tenant and no secret (rules.md 62). */
import { PERSONAL_DATA } from '../../../db/erasures/personal-data';
import { exportTenant } from '../../../db/erasures/export-tenant';
import { requestTenantDeletion } from '../../../db/erasures/tenant-deletions';
import { TenantDeleted } from '../../../db/database';
import { GivenTenant, openTestDb, type TestDb } from '../given';
import { countRows, givenRows } from './given-rows';

const LIMITS = { rowsPerPage: 2, bytesPerPage: 1_000_000 };
const SECRET = 'canary-4711';

let db: TestDb;
let tenant: GivenTenant;
let counts: Record<string, number>;

beforeAll(async () => {
  db = await openTestDb();
  tenant = await GivenTenant.create(db);
  const sample = (column: string, type: string): unknown => {
    const [table = '', name = ''] = column.split('.');
    if (PERSONAL_DATA[table]?.columns[name] !== 'secret' || type === 'bytea') return undefined;
    return type === 'jsonb' || type === 'json' ? { secret: SECRET } : `${SECRET} ${Math.random()}`;
  };
  await givenRows(db, tenant.tenantId, { rows: 5, sample });
  const other = await GivenTenant.create(db);
  await givenRows(db, other.tenantId, { rows: 2 });
  counts = await countRows(db, tenant.tenantId);
});
afterAll(() => db.end());

interface Line {
  kind: string;
  row: Record<string, unknown>;
  rows: number;
  tables: Record<string, number>;
}

async function read(limits = LIMITS): Promise<{ text: string; lines: Line[]; chunks: string[] }> {
  const chunks: string[] = [];
  for await (const chunk of exportTenant(db.database, tenant.tenantId, limits)) chunks.push(chunk);
  const text = chunks.join('');
  const lines = text.trimEnd().split('\n');
  return { text, chunks, lines: lines.map((line) => JSON.parse(line) as Line) };
}

it('rule 62: an export has each row of each table of the tenant once, and the counts last', async () => {
  const { lines, text } = await read();

  expect(lines[0]).toMatchObject({ kind: 'export', version: 1, tenant_id: tenant.tenantId });
  expect(lines.at(-1)).toEqual({ kind: 'end', rows: lines.length - 2, tables: counts });
  const found: Record<string, number> = {};
  for (const { kind } of lines.slice(1, -1)) found[kind] = (found[kind] ?? 0) + 1;
  expect(found).toEqual(counts);
  const rows = lines.slice(1, -1);
  expect(new Set(rows.map((one) => JSON.stringify(one))).size).toBe(rows.length);
  expect(rows.every(({ row }) => row.tenant_id === tenant.tenantId)).toBe(true);
  expect(text.endsWith('\n')).toBe(true);
});

it('rule 62: an export holds no secret, key or hash of one', async () => {
  const { lines, text } = await read();

  expect(text).not.toContain(SECRET);
  const leaked = lines.slice(1, -1).flatMap(({ kind, row }) =>
    Object.keys(row)
      .filter((name) => PERSONAL_DATA[kind]?.columns[name] === 'secret')
      .map((name) => `${kind}.${name}`),
  );
  expect(leaked).toEqual([]);
  expect(lines.find(({ kind }) => kind === 'people')?.row).toHaveProperty('email');
});

it('rule 62: rows that are large come in small pages', async () => {
  const { lines, chunks } = await read({ rowsPerPage: 100, bytesPerPage: 1 });

  expect(lines.at(-1)).toMatchObject({ tables: counts });
  expect(chunks.every((chunk) => chunk.trimEnd().split('\n').length === 1)).toBe(true);
});

it('rule 62: an export of a tenant that is deleted meanwhile ends without the last line', async () => {
  const deleted = await GivenTenant.create(db);
  await givenRows(db, deleted.tenantId);
  const chunks = exportTenant(db.database, deleted.tenantId, LIMITS);
  await chunks.next();
  await chunks.next();
  await deleted.work((work) => requestTenantDeletion(work, { requestId: 'r' }));

  await expect(chunks.next()).rejects.toThrow(TenantDeleted);
});
