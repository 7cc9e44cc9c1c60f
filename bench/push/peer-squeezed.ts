/** The fastest a push of its own can be: what a patient author of jobs would write. */
import type { Pool } from 'pg';
import type { PeerPush, PeerTenant } from './peer-tables';

/**
 * The same push squeezed into two statements, each its own transaction: as fast as a job of its own can be
 * made.
 */
export async function pushOneSqueezed(
  pool: Pool,
  { tenantId, integrationId }: PeerTenant,
  { recordId, pushId }: PeerPush,
): Promise<void> {
  const { rows } = await pool.query<{ external_id: string; fields: object; remote_id: string | null }>({
    name: 'claim',
    text: `with record_sync as (
        update record_syncs set push_id = $4, push_version = relevant_version, claim_id = $4, lease_until = clock_timestamp() + interval '20 seconds', last_push_id = $4,
          window_opened_at = null, due_at = null, window_reason = null
        where tenant_id = $1 and integration_id = $2 and record_id = $3 and due_at <= clock_timestamp() returning relevant_version
      ), log as (
        insert into pushes (tenant_id, push_id, integration_id, record_id, record_version, mapping_version, operation, started_because, changed_fields, changed_by, payload, attempts, started_at)
        select $1, $4, $2, $3, record_sync.relevant_version, 1, 'upsert', 'quiet', '{}', '{bench}', record.fields, 0, clock_timestamp()
        from record_sync join records record on record.tenant_id = $1 and record.record_id = $3
      )
      select record.external_id, record.fields, link.remote_id from record_sync
      join records record on record.tenant_id = $1 and record.record_id = $3
      left join record_links link on link.tenant_id = $1 and link.integration_id = $2 and link.record_id = $3`,
    values: [tenantId, integrationId, recordId, pushId],
  });
  const [record] = rows;
  if (record === undefined) return; // the due time was moved
  await pool.query({
    name: 'conclude',
    text: `with record_sync as (
        update record_syncs set claim_id = null, lease_until = null, result_status = 'synced', result_version = push_version, result_hash = 'none', last_synced_at = clock_timestamp(),
          push_id = null, push_version = null
        where tenant_id = $1 and integration_id = $2 and record_id = $3 and claim_id = $4 returning 1
      ), link as (
        insert into record_links (tenant_id, integration_id, record_id, record_type, remote_id, agreed, is_deactivated, updated_at)
        select $1, $2, $3, 'employees', $5, $6::jsonb, false, clock_timestamp() from record_sync
        on conflict (tenant_id, integration_id, record_id) do update set remote_id = excluded.remote_id, agreed = excluded.agreed, updated_at = excluded.updated_at
      )
      update pushes set result = 'succeeded', effect = 'created', remote_id = $5, attempts = 1, last_attempt_at = clock_timestamp(), finished_at = clock_timestamp()
      where tenant_id = $1 and push_id = $4`,
    values: [
      tenantId,
      integrationId,
      recordId,
      pushId,
      record.remote_id ?? `noop-${record.external_id}`,
      JSON.stringify(record.fields),
    ],
  });
}
