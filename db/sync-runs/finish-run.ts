/**
 * Consequences of the end of a sync run, in the transaction that ends it: the onboarding lock (rules.md 33),
 * the row of the Sync Status log, the reaction to a difference (rules.md 32), notifications and events
 * (rules.md 38, 39).
 */
import type { Selectable } from 'kysely';
import { answerToDrift, sumOfTotals, totalsOf } from '../../domain/sync-runs/sync-status';
import type { TenantWork } from '../database';
import { countDeletionsInReview } from '../pull/deletion-reviews';
import { countErasedThere } from '../records/erased-records';
import type { NewEvent } from '../webhooks/events';
import { newUuid } from '../sql/ids';
import { forgetNamedRecords } from '../integrations/incoming/incoming-changes';
import { findIntegration, type Integration } from '../integrations/integrations';
import { resolveNotification, notifyAdmins } from '../notifications/notifications';
import { datasetJobsOf, updateOnboarding } from './onboarding/onboarding';
import { endOperations } from '../notifications/operations';
import { endApplied, invalidateOverviewsReadDuring } from '../overviews/invalidate-overviews';
import { deleteSyncNowItems } from '../overviews/overview-lifecycle';
import { directionOfJob } from '../../domain/overviews/overview';
import { listSyncDatasets, markRepaired, type SyncDataset } from './sync-datasets';
import { syncEvents } from './sync-events';
import { tellOfSilentWebhooks } from './schedules/silent-webhooks';
import { requestSyncRun } from './sync-run-requests';
import type { SyncJobsTable } from '../tables/pull';
import type { StatusOfRecordType, SyncRunsTable } from '../tables/sync-runs';
import { findUnsyncedIds } from '../pull/unsynced-ids';

type SyncRun = Selectable<SyncRunsTable>;
type SyncJob = Selectable<SyncJobsTable>;

/** @returns the events, which have to be written last. */
export async function endSyncRun(
  work: TenantWork,
  run: SyncRun,
  jobs: readonly SyncJob[],
): Promise<NewEvent[]> {
  if (run.kind === 'sync_now') {
    const by = run.startedBy;
    // Before the requesters are notified: a requester that joins at this moment locks the overview and is
    // notified too.
    await endApplied(work, {
      syncRunId: run.syncRunId,
      by,
      isApplied: run.state === 'succeeded' || run.state === 'partially_succeeded',
    });
    if (jobs.length > 0) await invalidateOverviewsReadDuring(work, { ...run, by });
    await endOperations(work, {
      integrationId: run.integrationId,
      syncRunId: run.syncRunId,
      outcome: run.state,
    });
    await deleteSyncNowItems(work, run);
  }
  if (run.standsFor.includes('webhook')) await forgetNamedRecords(work, run);
  const integration = await findIntegration(work, run);
  // Every "still running" event is followed by a final one.
  if (integration === undefined)
    return (await syncEvents(work, run, jobs)).filter(({ type }) => type === 'SYNC_COMPLETE');
  const datasets = await listSyncDatasets(work, run);
  const datasetJobs = datasetJobsOf(jobs);
  // A run that was canceled before it started has read nothing.
  if (
    run.kind !== 'webhook' &&
    (datasetJobs.length > 0 ||
      jobs.some(({ recordType }) => directionOfJob(recordType).direction === 'verify'))
  )
    await writeSyncStatus(work, { run, integration, datasets });
  await updateOnboarding(work, { run, integration, datasets, jobs: datasetJobs });
  // An overview need not cover all records, so a difference is expected.
  if (run.overviewId === null) await answerDrift(work, { run, datasets, jobs: datasetJobs });
  await tellOfSilentWebhooks(work, run, datasetJobs);
  return syncEvents(work, run, jobs);
}

async function writeSyncStatus(
  { trx, tenantId, now }: TenantWork,
  {
    run,
    integration,
    datasets,
  }: { run: SyncRun; integration: Integration; datasets: readonly SyncDataset[] },
): Promise<void> {
  const { recordTypes } = integration;
  const breakdown: StatusOfRecordType[] = datasets
    .filter(({ recordType }) => Object.hasOwn(recordTypes, recordType))
    .map(({ recordType, localTotal, remoteTotal, countedAt }) => ({
      record_type: recordType,
      ...totalsOf(localTotal, remoteTotal),
      counted_at: countedAt?.toISOString() ?? null,
    }));
  const total = sumOfTotals(breakdown);
  await trx
    .insertInto('syncStatuses')
    .values({
      tenantId,
      syncStatusId: newUuid(),
      integrationId: run.integrationId,
      syncRunId: run.syncRunId,
      app: integration.app,
      accountName: integration.accountName,
      asOf: now,
      totalDifference: total.difference,
      totalSyncline: total.syncline,
      totalApp: total.app,
      breakdown: JSON.stringify(breakdown),
    })
    .execute();
}

async function answerDrift(
  work: TenantWork,
  { run, datasets, jobs }: { run: SyncRun; datasets: readonly SyncDataset[]; jobs: readonly SyncJob[] },
): Promise<void> {
  const { integrationId } = run;
  const repairs: string[] = [];
  const remaining: string[] = [];
  for (const job of jobs.filter(({ state }) => state === 'succeeded')) {
    const dataset = datasets.find(({ recordType }) => recordType === job.recordType);
    if (dataset === undefined) continue;
    const { difference } = totalsOf(dataset.localTotal, dataset.remoteTotal);
    const isFull = run.scope === 'full';
    const answer = answerToDrift({
      difference,
      previousDifference: dataset.previousDifference,
      sinceRepairMs: dataset.repairedAt === null ? null : work.now.getTime() - dataset.repairedAt.getTime(),
      knownDifference: dataset.knownDifference,
      isFull,
      hasTombstones: job.hasTombstones,
      deletionsInReview: job.deletesWithheld === 'needs_review' ? await countDeletionsInReview(work, job) : 0,
      erasedThere: await countErasedThere(work, {
        ...job,
        integrationId,
        max: Math.max(-(difference ?? 0), 0),
      }),
      isListChanged: job.deletesWithheld === 'list_changed',
      isRepair: run.kind === 'drift_repair',
    });
    if (answer === 'repair') repairs.push(job.recordType);
    if (answer === 'alert')
      remaining.push(await describeDifference(work, run, job.recordType, difference ?? 0));
    if (isFull && answer !== 'repair')
      await rememberDifference(work, {
        integrationId,
        recordType: job.recordType,
        difference: difference === 0 ? null : difference,
      });
  }
  if (repairs.length > 0) {
    await requestSyncRun(work, {
      integrationId,
      kind: 'drift_repair',
      recordTypes: repairs,
      startedBy: 'syncline',
    });
    await markRepaired(work, { integrationId, recordTypes: repairs });
  }
  const place = { integrationId, kind: 'difference_remains' as const, now: work.now };
  if (remaining.length > 0)
    await notifyAdmins(work, { integrationId, kind: place.kind, detail: remaining.join(' ') });
  // Records that were refused are no difference of the counts, so they keep no notification open.
  else if (
    run.scope === 'full' &&
    run.recordTypes === null &&
    jobs.every(({ state }) => state === 'succeeded' || state === 'not_supported')
  )
    await resolveNotification(work, place);
}

async function describeDifference(
  work: TenantWork,
  run: SyncRun,
  recordType: string,
  difference: number,
): Promise<string> {
  const { ids, isComplete } = await findUnsyncedIds(work, { ...run, recordType });
  const counts =
    difference > 0
      ? `Syncline has ${difference} more than the third party`
      : `Syncline has ${-difference} fewer than the third party`;
  if (ids.length === 0)
    return `${recordType}: ${counts} after a full sync. The records that differ are not known.`;
  return `${recordType}: ${counts} after a full sync. Check ${ids.join(', ')}${isComplete ? '' : ' and more'}.`;
}

async function rememberDifference(
  { trx, tenantId }: TenantWork,
  {
    integrationId,
    recordType,
    difference,
  }: { integrationId: string; recordType: string; difference: number | null },
): Promise<void> {
  await trx
    .updateTable('syncDatasets')
    .set({ knownDifference: difference })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('recordType', '=', recordType)
    .execute();
}
