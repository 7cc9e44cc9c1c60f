/**
 * The records behind a difference that remains after a full pass: those not stored, and deletions in review
 * (rules.md 32).
 */
import { sql } from 'kysely';
import type { TenantWork } from '../database';

const NAMED_MAX = 20;

export async function findUnsyncedIds(
  { trx, tenantId }: TenantWork,
  { syncRunId, integrationId, recordType }: { syncRunId: string; integrationId: string; recordType: string },
): Promise<{ ids: string[]; isComplete: boolean }> {
  const { rows } = await sql<{ id: string }>`
    select distinct remote_id as id from sync_record_errors
    where tenant_id = ${tenantId} and sync_run_id = ${syncRunId} and record_type = ${recordType} and remote_id is not null
    union
    select record.external_id from deletion_reviews review
    cross join lateral (
      select record_id from missing_records
      where tenant_id = review.tenant_id and sync_run_id = review.sync_run_id and record_type = review.record_type
      limit ${NAMED_MAX + 1}) missing
    cross join lateral (
      select external_id from records
      where tenant_id = review.tenant_id and record_id = missing.record_id limit 1) record
    where review.tenant_id = ${tenantId} and review.integration_id = ${integrationId}
      and review.record_type = ${recordType} and review.state = 'pending' and review.kind = 'delete'
    limit ${NAMED_MAX + 1}`.execute(trx);
  return { ids: rows.slice(0, NAMED_MAX).map(({ id }) => id), isComplete: rows.length <= NAMED_MAX };
}
