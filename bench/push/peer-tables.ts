/**
 * What both peers read and write, in the product's own tables and with the product's own rows: per change the
 * record, the change and the pair; per push the log row, the record and link it needs, and what came of it.
 * By a superuser past every policy, with prepared statements, without audit, stream, mapping or hash: the
 * peers get the better of it where in doubt.
 */
import type { ClientBase, Pool } from 'pg';
import type { Employee } from '../employees';

export interface PeerTenant {
  tenantId: string;
  integrationId: string;
}

export async function createPeerTenant(
  client: ClientBase,
  { tenantId, integrationId }: PeerTenant,
): Promise<void> {
  await client.query(`insert into tenants (tenant_id, name, time_zone) values ($1, 'Benchmark', 'UTC')`, [
    tenantId,
  ]);
  await client.query(
    `insert into integrations (tenant_id, integration_id, connector, app, account_name, config, record_types, grace_period_ms, initial_push)
     values ($1, $2, 'noop', 'No operation', 'Benchmark', '{}', '{}', 0, 'none')`,
    [tenantId, integrationId],
  );
}

/** Answers the ids of the records, in no order. Runs in the caller's transaction. */
export async function acceptChanges(
  client: ClientBase,
  { tenantId, integrationId }: PeerTenant,
  changes: readonly (Employee & { record_id: string; change_id: string })[],
  dueAt: Date,
): Promise<string[]> {
  const rows = `json_to_recordset($2::json) as row(record_id uuid, change_id uuid, record_type text, external_id text, fields jsonb)`;
  const text = JSON.stringify(changes);
  const records = await client.query<{ record_id: string }>(
    `insert into records (tenant_id, record_id, record_type, external_id, version, fields, occurred_at, changed_at, changed_by, created_at)
     select $1::uuid, record_id, record_type, external_id, 1, fields, now(), now(), 'bench', now() from ${rows}
     on conflict (tenant_id, record_type, external_id) do update set version = records.version + 1, fields = excluded.fields, changed_at = now() returning record_id`,
    [tenantId, text],
  );
  await client.query(
    `insert into record_changes (tenant_id, record_id, change_id, version, outcome, is_delete, changed_fields, changed_by, occurred_at, changed_at, request_id)
     select $1::uuid, record_id, change_id, 1, 'applied', false, array(select jsonb_object_keys(fields)), 'bench', now(), now(), 'bench' from ${rows}`,
    [tenantId, text],
  );
  const recordIds = records.rows.map(({ record_id: recordId }) => recordId);
  await client.query(
    `insert into record_syncs (tenant_id, integration_id, record_id, relevant_version, window_opened_at, due_at, window_reason)
     select $1::uuid, $2::uuid, record_id, 1, now(), $3::timestamptz, 'quiet' from unnest($4::uuid[]) as row(record_id)
     on conflict (tenant_id, integration_id, record_id) do update set due_at = excluded.due_at`,
    [tenantId, integrationId, dueAt, recordIds],
  );
  return recordIds;
}

export interface PeerPush {
  recordId: string;
  pushId: string;
}

/**
 * One push from claim to result without a call to a third party: the product's statements for one record. Two
 * transactions, because a crash between them must leave a trace.
 */
export async function pushOne(pool: Pool, tenant: PeerTenant, { recordId, pushId }: PeerPush): Promise<void> {
  const recordSync = [tenant.tenantId, tenant.integrationId, recordId];
  const record = await inTransaction(pool, (client) => claim(client, recordSync, pushId));
  if (record === undefined) return;
  await inTransaction(pool, (client) => recordResult(client, recordSync, pushId, record));
}

interface ClaimedRecord {
  external_id: string;
  version: string;
  fields: object;
  remote_id: string | null;
}

/** @returns undefined if the record is not due any more. */
async function claim(
  client: ClientBase,
  recordSync: readonly string[],
  pushId: string,
): Promise<ClaimedRecord | undefined> {
  const locked = await client.query<{ relevant_version: string }>({
    name: 'lock due',
    text: `select relevant_version from record_syncs where tenant_id = $1 and integration_id = $2 and record_id = $3 and due_at <= clock_timestamp() for update`,
    values: [...recordSync],
  });
  if (locked.rows[0] === undefined) return undefined; // the due time was moved
  const read = await client.query<{
    external_id: string;
    version: string;
    fields: object;
    remote_id: string | null;
  }>({
    name: 'read record',
    text: `select record.external_id, record.version, record.fields, link.remote_id from records record
           left join record_links link on link.tenant_id = $1 and link.integration_id = $2 and link.record_id = $3
           where record.tenant_id = $1 and record.record_id = $3`,
    values: [...recordSync],
  });
  const found = read.rows[0];
  await client.query({
    name: 'write log',
    text: `insert into pushes (tenant_id, push_id, integration_id, record_id, record_version, mapping_version, operation, started_because, changed_fields, changed_by, payload, attempts, started_at)
           values ($1, $4, $2, $3, $5, 1, 'upsert', 'quiet', '{}', '{bench}', $6, 0, clock_timestamp())`,
    values: [...recordSync, pushId, found?.version, JSON.stringify(found?.fields)],
  });
  await client.query({
    name: 'lease record_sync',
    text: `update record_syncs set push_id = $4, push_version = $5, claim_id = $4, lease_until = clock_timestamp() + interval '20 seconds', last_push_id = $4,
             window_opened_at = null, due_at = null, window_reason = null
           where tenant_id = $1 and integration_id = $2 and record_id = $3`,
    values: [...recordSync, pushId, found?.version],
  });
  return found;
}

async function recordResult(
  client: ClientBase,
  recordSync: readonly string[],
  pushId: string,
  record: ClaimedRecord,
): Promise<void> {
  const remoteId = record.remote_id ?? `noop-${record.external_id}`;
  await client.query({
    name: 'lock held',
    text: `select 1 from record_syncs where tenant_id = $1 and integration_id = $2 and record_id = $3 and claim_id = $4 for update`,
    values: [...recordSync, pushId],
  });
  await client.query({
    name: 'conclude record_sync',
    text: `update record_syncs set claim_id = null, lease_until = null, result_status = 'synced', result_version = push_version, result_hash = 'none',
             last_synced_at = clock_timestamp(), push_id = null, push_version = null
           where tenant_id = $1 and integration_id = $2 and record_id = $3`,
    values: [...recordSync],
  });
  await client.query({
    name: 'write link',
    text: `insert into record_links (tenant_id, integration_id, record_id, record_type, remote_id, agreed, is_deactivated, updated_at) values ($1, $2, $3, 'employees', $4, $5, false, clock_timestamp())
           on conflict (tenant_id, integration_id, record_id) do update set remote_id = excluded.remote_id, agreed = excluded.agreed, updated_at = excluded.updated_at`,
    values: [...recordSync, remoteId, JSON.stringify(record.fields)],
  });
  await client.query({
    name: 'conclude log',
    text: `update pushes set result = 'succeeded', effect = 'created', remote_id = $3, attempts = 1, last_attempt_at = clock_timestamp(), finished_at = clock_timestamp()
           where tenant_id = $1 and push_id = $2`,
    values: [recordSync[0], pushId, remoteId],
  });
}

async function inTransaction<T>(pool: Pool, work: (client: ClientBase) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    const answer = await work(client);
    await client.query('commit');
    client.release();
    return answer;
  } catch (error) {
    client.release(true);
    throw error;
  }
}
