/**
 * What PostgreSQL's planner knows of a large installation: a few thousand synthetic rows per table give the
 * distributions, and the catalog is then set to the row counts of ROWS. No statement is executed there, so
 * the rows need to be neither consistent nor many.
 */
import type { Client } from 'pg';

/**
 * Two years at 10,000 tenants with ten integrations each. What has a row per record has a hundred thousand of
 * each integration, and so more of one type than a statement may read (plans.test.ts).
 */
const ROWS: Record<string, number> = {
  tenants: 1e4,
  tenant_keys: 1e4,
  people: 1e5,
  api_keys: 1e5,
  integrations: 1e5,
  push_queue_looks: 1e5,
  rate_limits: 1e5,
  connect_sessions: 1e6,
  connect_settings: 1e4,
  incoming_addresses: 1e5,
  oauth_app_webhooks: 1e4,
  incoming_changes: 1e5,
  sync_datasets: 3e5,
  records: 1e9,
  record_syncs: 1e10,
  record_links: 1e10,
  push_references: 1e10,
  reference_promises: 1e8,
  drifts: 1e10,
  emptied_records: 1e10,
  match_keys: 1e10,
  missing_records: 1e10,
  overview_items: 1e10,
  sync_conflicts: 1e10,
  sync_run_pushes: 1e10,
  // Hourly.
  sync_runs: 2e9,
  sync_jobs: 6e9,
  outbox: 1e5,
  // Only while work is under way.
  running_work: 5_000,
  remote_claims: 5_000,
  definition_rollouts: 2_000,
  definition_rollout_integrations: 1e7,
  third_party_definitions: 200,
  third_party_definition_versions: 2_000,
  // What can be wrong at the same time.
  operator_findings: 100,
  installations: 1,
};
const ROWS_OTHERWISE = 1e8;
const SAMPLE = 3_000;
const TENANTS = 1e4;
const INTEGRATIONS = 1e5;
/** Migrations set it where the planner must not believe the statistics. */
const DISTINCT_IS_SET = `select attname as name from pg_attribute
  where attrelid = $1::regclass and array_to_string(attoptions, ' ') like '%n_distinct%'`;

/** What is open is rare beside what has ended. */
const RARELY_SET =
  /^(next_due_at|due_at|leased_until|lease_until|window_opened_at|next_attempt_at|give_up_at|held_at|blocked_until|paused_at|deleted_at|discarded_at|claim_id|push_id|unresolved_push_id|push_review_id|canceled_at|cancel_requested_at|last_error|waiting_reason|waiting_until|disabled_at|backfill_reason|backfill_cursor)$/;
const RARELY_EMPTY = /(_at|^result|^decision|^outcome)$/;
/** The states of what has ended, in the order in which they are looked for. */
const ENDED = ['delivered', 'succeeded', 'ended', 'finished', 'synced', 'approved', 'ready', 'ok', 'decided'];

interface Column {
  table: string;
  name: string;
  type: string;
  isNullable: boolean;
  /** Of a check constraint. */
  values: string[];
}

/** @param rowsMax of a table. A million are ten of an integration. */
export async function simulateLargeInstallation(client: Client, rowsMax = Infinity): Promise<void> {
  // The planner multiplies the shares of tenant and integration. The truth is a tenth of the tenant's rows.
  const isTrue = rowsMax === Infinity;
  const distinct: Record<string, number> = {
    tenant_id: TENANTS,
    integration_id: isTrue ? INTEGRATIONS / TENANTS : INTEGRATIONS,
  };
  await client.query(`set session_replication_role = replica`); // no triggers, no foreign keys
  const columns = await readColumns(client);
  await dropChecks(client);
  await client.query('alter system set autovacuum = off');
  await client.query('select pg_reload_conf()');
  const tables = new Map<string, Column[]>();
  for (const column of columns) tables.set(column.table, [...(tables.get(column.table) ?? []), column]);
  for (const [table, ofTable] of tables) {
    await fill(client, table, ofTable);
    if (isTrue) await makeUnique(client, table, ofTable);
    const { rows: set } = await client.query<{ name: string }>(DISTINCT_IS_SET, [table]);
    for (const { name } of ofTable)
      if (distinct[name] !== undefined && !set.some((column) => column.name === name))
        await client.query(`alter table ${table} alter column ${name} set (n_distinct = ${distinct[name]})`);
  }
  await client.query('analyze');
  for (const table of tables.keys())
    await scale(client, table, Math.min(ROWS[table] ?? ROWS_OTHERWISE, rowsMax));
}

async function readColumns(client: Client): Promise<Column[]> {
  const { rows } = await client.query<Omit<Column, 'values'> & { checks: string[] }>(`
    select class.relname as table, attribute.attname as name,
      format_type(attribute.atttypid, null) as type,
      not attribute.attnotnull as "isNullable",
      array(select pg_get_constraintdef(oid) from pg_constraint
        where contype = 'c' and conrelid = class.oid and conkey = array[attribute.attnum]) as checks
    from pg_class class join pg_attribute attribute on attribute.attrelid = class.oid and attribute.attnum > 0
    where class.relnamespace = 'public'::regnamespace and class.relkind in ('r', 'p') and not class.relispartition
      and not attribute.attisdropped and attribute.attgenerated = '' and attribute.attidentity <> 'a'
      and class.relname not like 'kysely%'
    order by class.relname, attribute.attnum`);
  return rows.map(({ checks, ...column }) => ({
    ...column,
    values: [...checks.join(' ').matchAll(/'([^']*)'::text/g)].map(([, value]) => value as string),
  }));
}

async function dropChecks(client: Client): Promise<void> {
  const { rows } = await client.query<{ statement: string }>(`
    select format('alter table %s drop constraint if exists %I', conrelid::regclass, conname) as statement
    from pg_constraint where contype in ('c', 'f') and connamespace = 'public'::regnamespace and coninhcount = 0`);
  for (const { statement } of rows) await client.query(statement);
}

/** Or the planner took the share of a tenant from the list of the most common values. */
async function makeUnique(client: Client, table: string, columns: readonly Column[]): Promise<void> {
  const ids = columns.map(({ name }) => name).filter((name) => /^(tenant|integration)_id$/.test(name));
  if (ids.length > 0)
    await client.query(`update ${table} set ${ids.map((name) => `${name} = gen_random_uuid()`).join(', ')}`);
}

async function fill(client: Client, table: string, columns: readonly Column[]): Promise<void> {
  const count = ROWS[table] === 1 ? 1 : SAMPLE;
  const names = columns.map(({ name }) => `"${name}"`).join(', ');
  const values = columns.map((column) => valueOf(column)).join(', ');
  await client.query(
    `insert into ${table} (${names}) overriding system value
       select ${values} from generate_series(1, ${count}) n on conflict do nothing`,
  );
}

const id = (text: string): string => `md5(${text})::uuid`;

/** As `newUuid` makes them: they begin with their instant, by which tables are partitioned. */
const timedId = (text: string): string =>
  `(lpad(to_hex((extract(epoch from now() - n * interval '5 hours') * 1000)::bigint), 12, '0') || '7'
    || substr(md5(${text}), 1, 3) || '8' || substr(md5(${text}), 4, 15))::uuid`;

function valueOf({ name, type, isNullable, values }: Column): string {
  const plain = type.endsWith('[]') ? `'{}'` : plainValue(name, type, values);
  const value = `(${plain})::${type}`;
  if (!isNullable) return value;
  const isSet = RARELY_SET.test(name)
    ? 'n % 1000 = 0'
    : RARELY_EMPTY.test(name)
      ? 'n % 1000 <> 0'
      : 'n % 2 = 0';
  return `case when ${isSet} then ${value} end`;
}

function plainValue(name: string, type: string, values: readonly string[]): string {
  if (name === 'tenant_id') return id(`'tenant' || n % 300`);
  if (name === 'integration_id') return id(`'integration' || n % 1500`);
  if (name === 'direction') return `case when n % 2 = 0 then 'pull' else 'push' end`;
  switch (type) {
    case 'integer':
      return name === 'attempts' ? 'case when n % 1000 = 0 then 5 else 0 end' : 'n::text';
    case 'uuid':
      return timedId(`'${name}' || n`);
    case 'timestamp with time zone':
      return `now() - n * interval '5 hours'`;
    case 'date':
      return `(now() - n * interval '5 hours')::date`;
    case 'boolean':
      return 'n % 50 = 0';
    case 'jsonb':
    case 'json':
      return `'{}'`;
    case 'text':
      return textValue(name, values);
    case 'bytea':
      return `'\\x00'::bytea`;
    default:
      return 'n::text';
  }
}

/** Those of the tests, whose statements are explained. */
const RECORD_TYPES = ['contacts', 'employees', 'companies', 'people', 'deals'];

/** One in a thousand has another state than the one of what has ended. */
function textValue(name: string, values: readonly string[]): string {
  if (name.endsWith('record_type')) values = RECORD_TYPES;
  if (values.length === 0) return name.endsWith('_type') ? `'type' || n % 5` : `'${name}' || n`;
  const list = `array[${values.map((value) => `'${value}'`).join(', ')}]`;
  const ended = ENDED.find((value) => values.includes(value));
  const any = `(${list})[1 + n % ${values.length}]`;
  return ended === undefined ? any : `case when n % 1000 = 0 then ${any} else '${ended}' end`;
}

/** The planner counts rows by the pages on disk, so a page is said to hold more of them. */
async function scale(client: Client, table: string, rows: number): Promise<void> {
  if (rows === 1) return;
  await client.query(
    `with parts as (select $1::regclass::oid as part
       union all select inhrelid from pg_inherits where inhparent = $1::regclass)
     update pg_class set reltuples = reltuples * ($2::float4 / ${SAMPLE}) where reltuples > 0
       and (oid in (select part from parts)
         or oid in (select indexrelid from pg_index where indrelid in (select part from parts)))`,
    [table, rows],
  );
}

/** The large table that a relation is, or is a large partition of; undefined for other relations. */
export async function readLargeTables(client: Client): Promise<Map<string, string>> {
  const { rows } = await client.query<{ relation: string; table: string }>(`
    select class.relname as relation, coalesce(parent.relname, class.relname) as table
    from pg_class class left join pg_inherits on inhrelid = class.oid
      left join pg_class parent on parent.oid = inhparent
    where class.relnamespace = 'public'::regnamespace and class.relkind = 'r'
      and class.reltuples > 10000`);
  return new Map(rows.map(({ relation, table }) => [relation, table]));
}
