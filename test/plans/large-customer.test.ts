/**
 * rules.md 60 for a large customer in an installation of small ones: the planner expects ten rows of an
 * integration where there are a million. Then an index that finds all rows of the integration looks as good
 * as the one that finds the wanted rows, and a statement that is executed for each chunk reads all of them
 * each time (db/sql/bulk-rows.ts).
 */
import { explainAll, type Plan } from './statements';

/** Of a table; with a hundred thousand integrations. */
const ROWS = 1e6;

/** What a customer may have a million of. Runs, notifications and settings are as many for each. */
const OF_RECORDS =
  /^(records|record_\w+|pushes|push_references|reference_promises|drifts|emptied_records|match_keys|missing_records|overview_items|outage_give_ups|sync_conflicts|sync_record_errors|sync_run_pushes|stream_events|events|webhook_deliveries|incoming_changes|outbox)$/;

/** What many rows have in common. A scan by these alone reads the rows of an integration, or of a run. */
const SCOPE =
  /^(tenant_id|integration_id|record_type|kind|state|status|direction|effect|is_backfill|overview_id|sync_run_id|webhook_endpoint_id)$/;

/** Parts of statements that may do so, each with its reason. */
const ALLOWED: readonly { contains: string; reason: string }[] = [
  {
    contains: ' as erased where',
    reason: 'An erasure walks a table in chunks by its key, and compares each row with what is erased.',
  },
  {
    contains: 'delete from pushes_other where',
    reason: 'Looks once for what is still needed of a chunk, in the table from before the partitions.',
  },
  {
    contains: 'update overview_items item set base_version = row.after',
    reason: 'A page may read the items of its overview once; pages have 2,000 records.',
  },
  {
    contains: 'select distinct remote_id as id from sync_record_errors',
    reason: 'Once at the end of a pass.',
  },
  {
    contains: 'order by push.started_at desc limit',
    reason:
      'Reads the unfinished pushes, by a partial index; their number is bounded by what is sent at once.',
  },
];

const findings: { what: string; text: string }[] = [];

beforeAll(async () => {
  const { plans, large } = await explainAll(ROWS);
  const isOfRecords = (plan: Plan): boolean => OF_RECORDS.test(large.get(plan['Relation Name'] ?? '') ?? '');
  for (const { text, plan } of plans) {
    const scans = nodesOf(plan).filter((node) => isOfRecords(node) && readsScope(node));
    for (const what of [...joinsOf(plan, scans), ...sortsOf(plan, scans), ...scans.flatMap(filtersOf)])
      findings.push({ what, text });
  }
});

const nodesOf = (plan: Plan): Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];

/** Whether an index is used by nothing but what many rows have in common. */
function readsScope(plan: Plan): boolean {
  if (plan['Node Type'] === 'ModifyTable' || plan['Node Type'] === 'Tid Scan') return false;
  const condition = `${plan['Index Cond'] ?? ''} ${plan['Recheck Cond'] ?? ''}`;
  return [
    ...condition.matchAll(/\(+(?:md5\()?"?(?:\w+\.)?(\w+)"?\)?(?:, [\w.]+\))? (?:=|<|>|<=|>=) /g),
  ].every(([, column]) => SCOPE.test(column as string));
}

/** Joins by the id of a row, which the scan of its table does not use. */
function joinsOf(plan: Plan, scans: readonly Plan[]): string[] {
  return nodesOf(plan).flatMap((node) => {
    const condition = `${node['Join Filter'] ?? ''} ${node['Hash Cond'] ?? ''} ${node['Merge Cond'] ?? ''}`;
    return scans.flatMap(({ Alias: alias }) =>
      [...condition.matchAll(new RegExp(`\\b${alias}\\.(\\w+_id)\\b`, 'g'))]
        .filter(([, column]) => !SCOPE.test(column as string))
        .map(([name]) => `${node['Node Type']} by ${name}`),
    );
  });
}

/** Ids of rows that a scan compares with each row, and does not look up. */
const filtersOf = (scan: Plan): string[] =>
  [...(scan.Filter ?? '').matchAll(/(\w+_id)\)? = /g)]
    .filter(([, column]) => !SCOPE.test(column as string))
    .map(([, column]) => `Filter by ${column} of ${scan.Alias}`);

/** Rows that come in the order of more than what they have in common are sorted a few at a time. */
const isSort = (plan: Plan): boolean =>
  plan['Node Type'] === 'Sort' ||
  (plan['Node Type'] === 'Incremental Sort' &&
    (plan['Presorted Key'] ?? []).every((key) => SCOPE.test(key.split('.').at(-1) as string)));

/** Sorts of which a limit returns the first: the next chunk sorts the same rows again. */
function sortsOf(
  plan: Plan,
  scans: readonly Plan[],
  isLimited = false,
  sort: string | null = null,
): string[] {
  const type = plan['Node Type'];
  if (sort !== null && scans.includes(plan)) return [`Sort by ${sort} of ${plan.Alias}`];
  const isNow = type === 'Limit' || isLimited;
  const now = type === 'Limit' ? null : isSort(plan) && isLimited ? String(plan['Sort Key']) : sort;
  return (plan.Plans ?? []).flatMap((child) => sortsOf(child, scans, isNow, now));
}

it('rule 60: no chunk of the work of a large customer reads all of its rows', () => {
  const found = findings
    .filter(({ text }) => !ALLOWED.some(({ contains }) => text.includes(contains)))
    .map(({ what, text }) => `${what}: ${text.slice(0, 400)}`);
  expect(found).toEqual([]);
});

it('lists no exception that is not needed', () => {
  const unused = ALLOWED.filter(({ contains }) => !findings.some(({ text }) => text.includes(contains)));
  expect(unused).toEqual([]);
});
