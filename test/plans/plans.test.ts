/** rules.md 60: no statement of the product reads a growing table from end to end. */
import { ALLOWED_READS, type AllowedRead } from './allowed-reads';
import { explainAll, type Plan } from './statements';

interface Read {
  table: string;
  rows: string;
}

/** About half of what one integration has of a record type. */
const ROWS_MAX = 5_000;

let statements: number;
const reads: (Read & { statement: string })[] = [];

beforeAll(async () => {
  const { plans, large } = await explainAll();
  statements = plans.length;
  for (const { text, plan } of plans)
    for (const read of readsOf(plan, large)) reads.push({ ...read, statement: text });
});

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
function readsOf(plan: Plan, large: ReadonlyMap<string, string>, isLimited = false): Read[] {
  const type = plan['Node Type'];
  const below = (plan.Plans ?? []).flatMap((child) =>
    readsOf(child, large, type === 'Limit' || (isLimited && !READS_ALL.has(type))),
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
  expect(statements).toBeGreaterThan(600);
});
