/**
 * Onboarding progress per integration and dataset (rules.md 33): the datasets that linking queued, each with
 * the job that reads it.
 */
import { sql } from 'kysely';
import type { JobState, JobWait } from '../../../domain/sync-runs/sync-run';
import type { TenantWork } from '../../database';
import { LAST_ID } from '../../sql/ids';
import type { SyncDataset } from '../sync-datasets';

export interface OnboardingDataset {
  integrationId: string;
  recordType: string;
  initialState: SyncDataset['initialState'];
  /** The full run that reads it: the current one, else the last one; null = none has started. */
  syncRunId: string | null;
  jobState: JobState | null;
  waitingReason: JobWait | null;
  recordsRead: number;
  expectedRecords: number | null;
}

/** By integration name. For onboarded integrations: the run that completed the onboarding. */
export async function findOnboardingDatasets(
  { trx, tenantId }: TenantWork,
  { integrationIds }: { integrationIds: readonly string[] },
): Promise<ReadonlyMap<string, OnboardingDataset[]>> {
  const found = new Map<string, OnboardingDataset[]>();
  if (integrationIds.length === 0) return found;
  const ofIntegration = sql`tenant_id = integration.tenant_id and integration_id = integration.integration_id`;
  const isOnboarding = sql`scope = 'full'
    and (integration.onboarded_at is null or requested_at <= integration.onboarded_at)`;
  // `later`: years of runs follow the onboarding, and none of them is read. Row-level security lets no
  // `coalesce` into the condition of an index, so it stands apart (`offset 0`).
  const { rows } = await sql<OnboardingDataset>`
    select dataset.integration_id, dataset.record_type, dataset.initial_state, run.sync_run_id,
      job.state as job_state, job.waiting_reason, coalesce(job.records_read, 0)::bigint as records_read, job.expected_records
    from integrations integration
    cross join lateral (
      select case when integration.onboarded_at is null then ${LAST_ID}::uuid else coalesce(
        (select sync_run_id from sync_runs where ${ofIntegration} and requested_at > integration.onboarded_at
          order by sync_run_id limit 1), ${LAST_ID}::uuid) end as sync_run_id
      offset 0) later
    left join lateral (
      (select sync_run_id, true as is_active from sync_runs
        where ${ofIntegration} and state in ('running', 'waiting') and ${isOnboarding})
      union all
      (select sync_run_id, false from sync_runs
        where ${ofIntegration} and ${isOnboarding}
          and sync_run_id < later.sync_run_id
        order by sync_run_id desc limit 1)
      order by is_active desc limit 1) run on true
    join sync_datasets dataset on dataset.tenant_id = integration.tenant_id and dataset.integration_id = integration.integration_id and dataset.is_initial
    left join sync_jobs job on job.tenant_id = integration.tenant_id and job.sync_run_id = run.sync_run_id and job.record_type = dataset.record_type
    where integration.tenant_id = ${tenantId} and integration.integration_id = any(${[...integrationIds]}::uuid[])
    order by dataset.record_type`.execute(trx);
  for (const row of rows) found.set(row.integrationId, [...(found.get(row.integrationId) ?? []), row]);
  return found;
}
