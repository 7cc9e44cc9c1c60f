/**
 * A hundred thousand employees as after years of use: nearly all synced, some pending, a few failed.
 */
import type { Pool } from 'pg';
import type { LinkedTenant } from '../product';

/** The employee at a position in the list, counted from 0. */
export const employeeId = (number: number): string => `employee-${String(number).padStart(6, '0')}`;

/** One in 100 waits for a push that is due in a year, one in 5,000 failed. */
export async function insertEmployees(
  pool: Pool,
  { tenantId, integrationId }: Pick<LinkedTenant, 'tenantId' | 'integrationId'>,
  count: number,
): Promise<void> {
  await pool.query(
    `insert into records (tenant_id, record_id, record_type, external_id, version, fields, occurred_at, changed_at, changed_by, created_at)
     select $1, uuidv7(), 'employees', 'employee-' || lpad(n::text, 6, '0'), 1,
       jsonb_build_object(
         'first_name', 'First ' || n, 'last_name', 'Last ' || n, 'email', 'employee.' || n || '@example.com', 'job_title', 'Specialist ' || n % 9,
         'department', (array['Finance', 'Sales', 'Support', 'Engineering', 'People', 'Legal'])[1 + n % 6], 'cost_center', 'CC-' || 1000 + n % 40,
         'manager_email', 'lead.' || n % 100 || '@example.com', 'phone', '+49 30 ' || 100000 + n, 'hired_on', '2014-03-15', 'weekly_hours', 20 + n % 21,
         'is_active', true, 'notes', 'Nothing to note'),
       now(), now(), 'key:bench', now()
     from generate_series(0, $2::int - 1) n`,
    [tenantId, count],
  );
  await insertRecordSyncs(pool, { tenantId, integrationId }, 1);
}

/**
 * The pairs of every `each`th employee with an integration, the first of `each` never among them unless it is
 * 1.
 */
export async function insertRecordSyncs(
  pool: Pool,
  { tenantId, integrationId }: Pick<LinkedTenant, 'tenantId' | 'integrationId'>,
  each: number,
): Promise<void> {
  await pool.query(
    `insert into record_syncs (tenant_id, integration_id, record_id, relevant_version, result_status, result_version, last_synced_at, window_opened_at, due_at, window_reason)
     select $1, $2, record_id, 1, case when n % 5000 = 4999 then 'sync_failed' else 'synced' end, 1, now(),
       case when n % 100 = 1 then now() end, case when n % 100 = 1 then now() + interval '1 year' end, case when n % 100 = 1 then 'quiet' end
     from (select record_id, right(external_id, 6)::int n from records where tenant_id = $1) record where n % $3 = $3 - 1`,
    [tenantId, integrationId, each],
  );
}
