/** How an integration is, for the comparison before and after a change of its definition. */
import { sql } from 'kysely';
import type { IntegrationHealth } from '../../domain/third-parties/rollout';
import type { TenantWork } from '../database';
import type { Integration } from '../integrations/integrations';
import { opaqueToPlanner } from '../sql/bulk-rows';

/** More are not counted: a sync error of all records is noticed long before. */
const FAILED_RECORDS_MAX = 10_000;

export async function readHealth(
  { trx, tenantId }: TenantWork,
  { integrationId, needsReauthorizationAt, blockedReason, blockedUntil, isWriteOutage }: Integration,
): Promise<IntegrationHealth> {
  const { rows } = await sql<{ failedRecords: number; lastRun: string | null }>`
    select
      (select count(*) from (
        select from record_syncs where tenant_id = ${opaqueToPlanner(tenantId)} and status = 'sync_failed'
          and integration_id = ${opaqueToPlanner(integrationId)} limit ${FAILED_RECORDS_MAX}) failed
      ) as failed_records,
      (select state from sync_runs where tenant_id = ${tenantId} and integration_id = ${integrationId}
        and finished_at is not null and kind <> 'webhook'
        order by sync_run_id desc limit 1) as last_run`.execute(trx);
  return {
    needsReauthorization: needsReauthorizationAt !== null,
    isInOutage: (blockedUntil !== null && blockedReason === 'outage') || isWriteOutage,
    failedRecords: rows[0]?.failedRecords ?? 0,
    hasFailedRun: rows[0]?.lastRun === 'failed',
  };
}
