/** Every table that grows has an end, or a stated reason to have none (rules.md 62). */
import { EXPIRING_ROWS } from '../../../db/retention/expiring-rows';
import { KEPT_TABLES } from '../../../db/retention/kept-tables';
import { openTestDb, type TestDb } from '../given';

/** How many rows a table has at most, or what deletes them. */
const OTHERWISE: Readonly<Record<string, string>> = {
  // For ever, as figures.
  sync_runs: 'Sync Logs',
  sync_jobs: 'Sync Logs',
  sync_pages: 'Sync Logs',
  sync_record_errors: 'Sync Logs; their texts end',
  skipped_runs: 'Sync Logs',
  sync_statuses: 'Sync Status',
  // Receipts of what people decided once.
  erasures: 'receipts; a preview ends after a day',
  erased_hashes: 'keep what was erased from coming back',
  tenant_deletions: 'receipts of operators',
  definition_rollouts: 'the way back of each version, one for each act of an operator',
  definition_rollout_integrations: 'the way back of each integration',
  third_party_definitions: 'made by operators',
  third_party_definition_versions: 'made by operators; integrations and rollouts name them',
  installations: 'one for each database that was restored',
  // A row for each record, integration, person or tenant, or a few.
  records: 'the data itself; erased by people',
  record_links: 'one for each record and integration',
  record_syncs: 'one for each record and integration',
  push_references: 'one for each reference of a record',
  reference_promises: 'one for each reference that waits for its record',
  drifts: 'one for each record and integration that differs',
  emptied_records: 'one for each record whose fields were emptied, until the window of the brake is over',
  record_counts: 'one for each record type',
  match_keys: 'deleted at the end of a pass',
  missing_records: 'deleted as they are applied, with the job, or with its review',
  sync_ranges: 'deleted at the end of a pass',
  sync_run_pushes: 'deleted at the end of a Sync Now',
  overview_items: 'deleted when the overview is invalid',
  overview_pages: 'deleted when the overview is invalid',
  integrations: 'made by people',
  incoming_addresses: 'one for each integration',
  incoming_changes: 'deleted when they are read; one for each record that was named',
  oauth_accounts: 'one for each integration',
  oauth_apps: 'made by people',
  oauth_app_webhooks: 'one for each app',
  outage_give_ups: 'one for each record and integration, until the outage is over',
  push_queue_looks: 'one for each integration',
  rate_limits: 'one for each integration',
  brake_counts: 'deleted when the window of the brake is over',
  remote_claims: 'deleted when it is over',
  remote_record_types: 'one for each record type of an integration',
  sync_datasets: 'one for each record type of an integration',
  sync_schedules: 'two for each integration',
  tenants: 'made by operators',
  tenant_keys: 'one for each tenant',
  erasure_keys: 'one for each tenant',
  erasure_items: 'deleted at the end of the erasure',
  event_sequences: 'one for each tenant',
  company_syncs: 'one for each tenant',
  connect_settings: 'one for each tenant',
  notification_settings: 'one for each tenant',
  api_keys: 'made by people',
  webhook_endpoints: 'made by people',
  people: 'made by people',
  person_identities: 'one for each person and identity provider',
  undeliverable_addresses: 'one for each person',
  console_sessions: 'deleted when they have expired',
  sign_in_failures: 'deleted with the next attempts',
  // Work.
  outbox: 'deleted when it is sent',
  running_work: 'deleted when it is done',
  leases: 'one for each loop of the workers',
  operator_findings: 'one for each thing that is wrong',
};

let db: TestDb;
beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());

const DELETED = [
  ...KEPT_TABLES.map(({ name }) => name),
  ...EXPIRING_ROWS.flatMap(({ table, parts }) => [table, ...(parts === undefined ? [] : [parts.table])]),
];

it('rule 62: a new table cannot grow for ever without a reason', async () => {
  const tables = await db.superuser(`
    select relname as name from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition
      and relname not like 'kysely%' order by 1`);

  // A table that is missing needs a retention (db/retention), or a line in the list above.
  expect(tables.map(({ name }) => name)).toEqual(
    [...new Set([...DELETED, ...Object.keys(OTHERWISE)])].toSorted(),
  );
});

it('rule 62: what is old is found by an index, and so is what ends with it', async () => {
  const indexes = await db.superuser(`
    select indrelid::regclass::text as table, array(
      select attname::text from unnest(indkey::int2[]) with ordinality as part(number, at)
      join pg_attribute on attrelid = indrelid and attnum = number order by at) as columns
    from pg_index where indisvalid`);
  const isIndexed = (table: string, columns: readonly string[]) =>
    indexes.some(
      (index) =>
        index['table'] === table &&
        columns.every((column) => (index['columns'] as string[]).slice(0, columns.length).includes(column)),
    );
  const needed = EXPIRING_ROWS.flatMap(({ table, since, parts }) => [
    { table, columns: [since] },
    // The tenant is not in the index of recipients: statements about a tenant would be planned with it.
    ...(parts === undefined
      ? []
      : [
          {
            table: parts.table,
            columns: parts.key.filter(
              (name) => parts.table !== 'notification_recipients' || name !== 'tenant_id',
            ),
          },
        ]),
  ]);

  expect(needed.filter(({ table, columns }) => !isIndexed(table, columns))).toEqual([]);
});
