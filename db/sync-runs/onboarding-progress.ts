/**
 * Onboarding progress per integration and dataset (rules.md 33): the datasets that linking queued, each with
 * the job that reads it.
 */
import { sql } from 'kysely';
import type { JobState, JobWait } from '../../domain/sync-runs/sync-run';
import type { TenantWork } from '../database';
import type { SyncDataset } from './sync-datasets';

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
  const { rows } = await sql<OnboardingDataset>`
    select dataset.integration_id, dataset.record_type, dataset.initial_state, run.sync_run_id,
      job.state as job_state, job.waiting_reason, coalesce(job.records_read, 0)::bigint as records_read, job.expected_records
    from integrations integration
    left join lateral (
      select sync_run_id from sync_runs
      where tenant_id = integration.tenant_id and integration_id = integration.integration_id and scope = 'full'
        and (integration.onboarded_at is null or requested_at <= integration.onboarded_at)
      order by (state in ('running', 'waiting')) desc, sync_run_id desc limit 1) run on true
    join sync_datasets dataset on dataset.tenant_id = integration.tenant_id and dataset.integration_id = integration.integration_id and dataset.is_initial
    left join sync_jobs job on job.tenant_id = integration.tenant_id and job.sync_run_id = run.sync_run_id and job.record_type = dataset.record_type
    where integration.tenant_id = ${tenantId} and integration.integration_id = any(${[...integrationIds]}::uuid[])
    order by dataset.record_type`.execute(trx);
  for (const row of rows) found.set(row.integrationId, [...(found.get(row.integrationId) ?? []), row]);
  return found;
}
