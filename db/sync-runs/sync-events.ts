/**
 * Events of a sync run that stands for a scheduled one: SYNC_COMPLETE unfinished every 12 h and finished
 * exactly once, with FIRST_SYNC_COMPLETE beside the first finished one (rules.md 38, 39). Runs that only
 * people requested emit none.
 */
import { isJobEnded, type RunKind, scheduledKindOf, summarizeRun } from '../../domain/sync-runs/sync-run';
import type { SyncCompleteData } from '../../domain/event-catalogue';
import type { TenantWork } from '../database';
import type { NewEvent } from '../webhooks/events';
import { toTypeId } from '../sql/ids';
import { listSyncDatasets } from './sync-datasets';
import type { SyncJob, SyncRun } from '../pull/job-rows';
import { directionOfJob } from '../../domain/overviews/overview';
import { METADATA_JOB } from '../tables/pull';

/** The state of the run: emitted once when it ends, and every 12 h before. */
export async function syncEvents(
  work: TenantWork,
  run: SyncRun,
  jobs: readonly SyncJob[],
): Promise<NewEvent[]> {
  const kind = scheduledKindOf(run);
  if (kind === undefined) return [];
  // A run that only verified pushes has read no dataset.
  if (jobs.some(({ recordType }) => isVerification(recordType)) && datasetJobs(jobs).length === 0) return [];
  const { integrationId } = run;
  const isFirstSync = await isBeforeFirstSync(work, run);
  const data = toData(run, jobs, { kind, isFirstSync });
  const events: NewEvent[] = [{ type: 'SYNC_COMPLETE', integrationId, data }];
  if (!data.is_sync_finished || !isFirstSync || !(await endsFirstPass(work, run, jobs))) return events;
  await markFirstSync(work, run);
  const totals = (await listSyncDatasets(work, run))
    .filter(({ recordType }) => data.datasets.some((dataset) => dataset.record_type === recordType))
    .map(({ recordType, localTotal }) => ({ record_type: recordType, records: localTotal }));
  return [...events, { type: 'FIRST_SYNC_COMPLETE', integrationId, data: { ...data, totals } }];
}

function toData(
  run: SyncRun,
  jobs: readonly SyncJob[],
  { kind, isFirstSync }: { kind: RunKind; isFirstSync: boolean },
): SyncCompleteData {
  const summary = summarizeRun(jobs, {
    isStarted: run.startedAt !== null,
    isCancelRequested: run.cancelRequestedAt !== null,
  });
  return {
    integration_id: toTypeId('int', run.integrationId),
    sync_run_id: toTypeId('run', run.syncRunId),
    kind,
    successful_jobs: summary.successfulJobs,
    failed_jobs: summary.failedJobs,
    is_sync_finished: summary.isSyncFinished,
    is_first_sync: isFirstSync,
    datasets: datasetJobs(jobs).map(({ recordType, state }) => ({ record_type: recordType, state })),
  };
}

/** Metadata and the verification of pushes are jobs, never datasets (rules.md 39, 54). */
const datasetJobs = (jobs: readonly SyncJob[]): SyncJob[] =>
  jobs.filter(({ recordType }) => recordType !== METADATA_JOB && !isVerification(recordType));

const isVerification = (job: string): boolean => directionOfJob(job).direction === 'verify';

/**
 * At least one dataset succeeded and everything has been read once, by this run or by an earlier one that
 * emits no event.
 */
async function endsFirstPass(work: TenantWork, run: SyncRun, jobs: readonly SyncJob[]): Promise<boolean> {
  if (
    !jobs.every(({ state }) => isJobEnded(state)) ||
    !datasetJobs(jobs).some(({ state }) => state === 'succeeded')
  )
    return false;
  if (run.scope === 'full' && run.recordTypes === null) return true;
  return (await listSyncDatasets(work, run)).some(({ fullSucceededAt }) => fullSucceededAt !== null);
}

async function isBeforeFirstSync(
  { trx, tenantId }: TenantWork,
  { integrationId }: SyncRun,
): Promise<boolean> {
  const row = await trx
    .selectFrom('integrations')
    .select('firstSyncCompletedAt')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .executeTakeFirst();
  return row?.firstSyncCompletedAt === null;
}

async function markFirstSync({ trx, tenantId, now }: TenantWork, { integrationId }: SyncRun): Promise<void> {
  await trx
    .updateTable('integrations')
    .set({ firstSyncCompletedAt: now })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
}
