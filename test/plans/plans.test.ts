/** rules.md 60: no statement of the product reads a growing table from end to end. */
import fs from 'node:fs';
import path from 'node:path';
import { Client } from 'pg';
import { createTestDatabase } from '../support/environments/database';
import { readLargeTables, simulateLargeInstallation } from './large-installation';
import { ALLOWED_READS, type AllowedRead } from './allowed-reads';

type Encoded = { date: string } | { base64: string } | { value: unknown };

interface Statement {
  role: string;
  tenant: string;
  text: string;
  values: Encoded[];
}

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Plan Rows': number;
  Plans?: Plan[];
}

interface Read {
  table: string;
  rows: string;
}

/** About half of what one integration has of a record type. */
const ROWS_MAX = 5_000;

const folder = process.env['TEST_STATEMENTS_FOLDER'];
const decoded = (value: Encoded): unknown =>
  'date' in value
    ? new Date(value.date)
    : 'base64' in value
      ? Buffer.from(value.base64, 'base64')
      : value.value;

let client: Client;
let statements: Statement[];
let large: ReadonlyMap<string, string>;
const reads: (Read & { statement: string })[] = [];

beforeAll(async () => {
  if (folder === undefined)
    throw new Error('There are no statements to check. Run `npm test -- default`, which records them first.');
  statements = fs
    .readdirSync(folder)
    .toSorted()
    .map((file) => JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8')) as Statement);
  const { url } = await createTestDatabase();
  client = new Client({ connectionString: url });
  await client.connect();
  await simulateLargeInstallation(client);
  large = await readLargeTables(client);
  for (const statement of statements)
    for (const read of await explain(statement))
      reads.push({ ...read, statement: statement.text.replace(/\s+/g, ' ').trim() });
});

afterAll(() => client?.end());

async function explain({ role, tenant, text, values }: Statement): Promise<Read[]> {
  await client.query('begin');
  try {
    await client.query(`select set_config('role', $1, true), set_config('app.tenant', $2, true)`, [
      role,
      tenant,
    ]);
    const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
      `explain (format json) ${text}`,
      values.map(decoded),
    );
    return readsOf((rows[0] as (typeof rows)[0])['QUERY PLAN'][0].Plan);
  } catch (error) {
    // From a test of the rights of a role.
    if ((error as { code?: string }).code === '42501') return [];
    throw new Error(`${(error as Error).message}: ${text}`, { cause: error });
  } finally {
    await client.query('rollback');
  }
}

/** These read all of their input before they return a row, so a limit above them limits nothing below. */
const READS_ALL = new Set([
  'Sort',
  'Hash',
  'Aggregate',
  'ModifyTable',
  'SetOp',
  'WindowAgg',
  'Bitmap Heap Scan',
]);

/** What a statement reads without a limit: tables from end to end, and many rows by an index. */
function readsOf(plan: Plan, isLimited = false): Read[] {
  const type = plan['Node Type'];
  const below = (plan.Plans ?? []).flatMap((child) =>
    readsOf(child, type === 'Limit' || (isLimited && !READS_ALL.has(type))),
  );
  const table = large.get(plan['Relation Name'] ?? '');
  if (table === undefined) return below;
  if (type === 'Seq Scan') return [{ table, rows: 'every row' }, ...below];
  const rows = plan['Plan Rows'];
  return rows > ROWS_MAX && !isLimited ? [{ table, rows: `${rows} rows` }, ...below] : below;
}

const isAllowed = (read: { table: string; statement: string }, allowed: AllowedRead): boolean =>
  (allowed.table ?? read.table) === read.table && read.statement.includes(allowed.contains);

it('rule 60: no statement reads a growing table from end to end, or thousands of its rows', () => {
  const found = reads
    .filter((read) => !ALLOWED_READS.some((allowed) => isAllowed(read, allowed)))
    .map(({ table, rows, statement }) => `${rows} of ${table}: ${statement.slice(0, 400)}`);
  expect(found).toEqual([]);
});

it('lists no exception that is not needed', () => {
  const unused = ALLOWED_READS.filter((allowed) => !reads.some((read) => isAllowed(read, allowed)));
  expect(unused).toEqual([]);
});

it('has the statements of the whole product', () => {
  expect(statements.length).toBeGreaterThan(600);
});
