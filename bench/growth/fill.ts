/**
 * One tenant with its history, and copies of it: all by SQL, because writing ten million records through the
 * product would take hours.
 */
import type { Pool } from 'pg';
import type { Database } from '../../db/database';
import { newUuid } from '../../db/sql/ids';
import { createIntegration } from '../../db/sync-runs/create-integration';

export interface MeasuredTenant {
  tenantId: string;
  integrationIds: string[];
}

export const RECORDS_PER_TENANT = 10_000;
const INTEGRATIONS_PER_TENANT = 10;
/** Runs of each integration: of the measured tenant a year, of its copies the last days. */
const HOURS = { measured: 8_760, copied: 200 };
const NEVER = { count: 1_000_000_000, share: 1, windowHours: 1 };
const COPIED = [
  'tenants',
  'integrations',
  'sync_datasets',
  'records',
  'record_counts',
  'record_links',
  'record_syncs',
  'record_changes',
  'pushes',
  'sync_runs',
  'sync_jobs',
  'sync_statuses',
];

export async function fillTenant(database: Database, pool: Pool): Promise<MeasuredTenant> {
  const tenantId = newUuid();
  const integrationIds = Array.from({ length: INTEGRATIONS_PER_TENANT }, () => newUuid());
  await database.withTenant(tenantId, async (work) => {
    await work.trx
      .insertInto('tenants')
      .values({ tenantId, name: 'Benchmark', timeZone: 'UTC', contactEmail: null })
      .execute();
    for (const [index, integrationId] of integrationIds.entries())
      await createIntegration(work, {
        integrationId,
        connector: 'noop',
        app: `App ${index}`,
        accountName: 'Benchmark',
        config: {},
        recordTypes: {
          [typeOf(index)]: {
            direction: 'both',
            match: [],
            fields: [{ name: 'name', to: 'name' }],
            onDelete: 'deactivate',
          },
        } as never,
        // Ten thousand changes are what is measured, not a mistake.
        typeSettings: { [typeOf(index)]: { brakes: { push_create: NEVER, push_overwrite: NEVER } } },
        encryptedCredentials: null,
        gracePeriodMs: 0,
        maxWaitMs: null,
        initialPush: 'none',
        isPaused: false,
      });
  });
  await pool.query('delete from outbox');
  await pool.query(
    `update integrations set onboarded_at = now(), onboarding_started_at = coalesce(onboarding_started_at, now())
     where tenant_id = $1`,
    [tenantId],
  );
  await pool.query('delete from sync_jobs where tenant_id = $1', [tenantId]);
  await pool.query('delete from sync_runs where tenant_id = $1', [tenantId]);
  await fillRecords(pool, tenantId, integrationIds);
  await fillRuns(pool, tenantId, integrationIds);
  return { tenantId, integrationIds };
}

export const typeOf = (index: number): string => `type_${index}`;

/** Of all statements, because ids are made of it. */
const NOW = `'${new Date().toISOString()}'::timestamptz`;

/** Ids begin with a time, as those of the product do: the tables of history are partitioned by it. */
const idOf = (seed: string, at: string): string =>
  `(lpad(to_hex((extract(epoch from ${at}) * 1000)::bigint), 12, '0') || substr(md5(${seed}), 13))::uuid`;

const copyOfId = (id: string): string =>
  `(left(replace(${id}::text, '-', ''), 12) || substr(md5(copy.n::text || ${id}), 13))::uuid`;

const literals = (tenantId: string, integrationId: string, index: number): [string, string, string] => [
  `'${tenantId}'::uuid`,
  `'${integrationId}'::uuid`,
  `'${typeOf(index)}'`,
];

/** Each record belongs to the one integration that has its type, is linked, and was pushed once. */
async function fillRecords(pool: Pool, tenantId: string, integrationIds: readonly string[]): Promise<void> {
  for (const [index, integrationId] of integrationIds.entries()) {
    const count = RECORDS_PER_TENANT / INTEGRATIONS_PER_TENANT;
    const [tenant, integration, type] = literals(tenantId, integrationId, index);
    const rows = `(select n, ${idOf(`'${integrationId}record' || n`, NOW)} as record_id,
      ${idOf(`'${integrationId}push' || n`, NOW)} as push_id from generate_series(1, ${count}) n) row`;
    for (const statement of [
      `insert into records (tenant_id, record_id, record_type, external_id, version, fields, occurred_at,
         changed_at, changed_by, created_at)
       select ${tenant}, record_id, ${type}, 'record-' || n, 1, jsonb_build_object('name', 'Name ' || n), now(), now(),
         'bench', now() from ${rows}`,
      `insert into record_changes (tenant_id, record_id, change_id, version, outcome, is_delete,
         changed_fields, changed_by, occurred_at, changed_at, request_id)
       select ${tenant}, record_id, push_id, 1, 'applied', false, '{name}', 'bench', now(), now(), 'bench'
       from ${rows}`,
      `insert into record_links (tenant_id, integration_id, record_id, record_type, remote_id,
         is_deactivated, updated_at, agreed)
       select ${tenant}, ${integration}, record_id, ${type}, 'remote-' || n, false, now() - interval '1 day', '{}' from ${rows}`,
      `insert into record_syncs (tenant_id, integration_id, record_id, relevant_version, result_status,
         result_version, last_push_id, last_synced_at)
       select ${tenant}, ${integration}, record_id, 1, 'synced', 1, push_id, now() from ${rows}`,
      `insert into pushes (tenant_id, push_id, integration_id, record_id, record_version, mapping_version,
         operation, started_because, changed_fields, changed_by, payload, result, effect, remote_id,
         attempts, started_at, finished_at)
       select ${tenant}, push_id, ${integration}, record_id, 1, 1, 'upsert', 'quiet', '{name}', '{bench}',
         jsonb_build_object('name', 'Name ' || n), 'succeeded', 'created', 'remote-' || n, 1, now(), now()
       from ${rows}`,
    ])
      await pool.query(statement);
  }
}

async function fillRuns(pool: Pool, tenantId: string, integrationIds: readonly string[]): Promise<void> {
  for (const [index, integrationId] of integrationIds.entries()) {
    const [tenant, integration, type] = literals(tenantId, integrationId, index);
    const rows = `(select ${idOf(`'${integrationId}run' || n`, 'at')} as sync_run_id, at from (
      select n, ${NOW} - n * interval '1 hour' as at from generate_series(1, ${HOURS.measured}) n) hour) row`;
    for (const statement of [
      `insert into sync_runs (tenant_id, sync_run_id, integration_id, kind, scope, started_by, requested_at,
         started_at, finished_at, state, successful_jobs, is_sync_finished)
       select ${tenant}, sync_run_id, ${integration}, 'hourly', 'modified', 'schedule:hourly', at, at, at, 'succeeded', 1, true
       from ${rows}`,
      `insert into sync_jobs (tenant_id, sync_run_id, record_type, state, records_read, started_at,
         finished_at, updated_at)
       select ${tenant}, sync_run_id, ${type}, 'succeeded', 1, at, at, at from ${rows}`,
      `insert into sync_statuses (tenant_id, sync_status_id, integration_id, sync_run_id, app, account_name,
         as_of, total_difference, breakdown)
       select ${tenant}, sync_run_id, ${integration}, sync_run_id, 'App', 'Benchmark', at, 0, '[]' from ${rows}`,
    ])
      await pool.query(statement);
  }
}

/** `count` further tenants with the rows of the measured one, under ids of their own. */
export async function copyTenant(
  pool: Pool,
  { tenantId }: MeasuredTenant,
  count: number,
  say: (text: string) => void,
): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('set session_replication_role = replica; set synchronous_commit = off');
    for (const table of COPIED) {
      say(`${count} × ${table}`);
      const { rows: columns } = await client.query<{ name: string; type: string }>(
        `select attname as name, format_type(atttypid, null) as type from pg_attribute
         where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''
           and attidentity = ''`,
        [table],
      );
      const values = columns.map(({ name, type }) =>
        type === 'uuid' ? copyOfId(`source."${name}"`) : `source."${name}"`,
      );
      const names = columns.map(({ name }) => `"${name}"`).join(', ');
      const age = columns.find(({ name }) => ['requested_at', 'as_of', 'finished_at'].includes(name));
      const isLog = table.startsWith('sync_') && age !== undefined;
      const recent = isLog ? `and source.${age.name} > now() - interval '${HOURS.copied} hours'` : '';
      await client.query(
        `insert into ${table} (${names}) select ${values.join(', ')} from generate_series(1, ${count}) copy(n)
         cross join ${table} source where source.tenant_id = $1 ${recent}`,
        [tenantId],
      );
    }
    await client.query('set session_replication_role = default');
    await client.query('vacuum analyze');
  } finally {
    client.release();
  }
}
