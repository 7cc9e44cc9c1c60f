/**
 * The jobs of a sync run: one per dataset, one for metadata. Each change of a job's state recomputes the
 * run's state in the same transaction (rules.md 35); `finish-run.ts` has the consequences of a run's end.
 */
import { sql } from 'kysely';
import {
  LAST_DAY_MS,
  type JobState,
  type JobWait,
  readsMetadata,
  summarizeRun,
} from '../../domain/sync-runs/sync-run';
import { overlapMs } from '../../domain/sync-runs/overlap';
import { pushJobOf, verifyJobOf } from '../../domain/overviews/overview';
import type { SyncDirection } from '../../domain/records/mapping-directions';
import type { SyncError } from '../../domain/sync-error';
import { companyEvents } from './company-sync';
import type { TenantWork } from '../database';
import { clearPassState } from '../pull/clear-pass-state';
import { emitEvents } from '../webhooks/events';
import { findIntegration, type Integration } from '../integrations/integrations';
import { recordInitialJob, updateOnboardingDuring } from './onboarding/onboarding';
import { datasetsOf } from '../../domain/records/mapping-directions';
import { settingsOf } from '../../domain/records/record-type-settings';
import { listSyncDatasets } from './sync-datasets';
import { sanitizeForPostgres } from '../sql/sanitize-text';
import { appendStreamEvent } from '../platform/change-feed';
import { syncEvents } from './sync-events';
import { endSyncRun } from './finish-run';
import { METADATA_JOB } from '../tables/pull';
import {
  findSyncRun,
  type JobKey,
  listSyncJobs,
  lockSyncJob,
  lockSyncRun,
  type RunKey,
  type SyncRun,
} from '../pull/job-rows';

/**
 * Starts the next run of an integration with its jobs, or continues the current one; undefined = there is
 * none.
 */
export async function beginSyncRun(
  work: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<SyncRun | undefined> {
  const { trx, tenantId, now } = work;
  const run = await trx
    .selectFrom('syncRuns')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('state', 'in', ['queued', 'running', 'waiting'])
    .orderBy(sql`state = 'queued'`)
    // A person waits for a Sync Now.
    .orderBy(sql`kind <> 'sync_now'`)
    .orderBy('syncRunId')
    .limit(1)
    .forUpdate()
    .executeTakeFirst();
  if (run === undefined || run.startedAt !== null) return run;

  await layOutJobs(work, run);
  await trx
    .updateTable('syncRuns')
    .set({ startedAt: now })
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', run.syncRunId)
    .execute();
  await updateRunState(work, run);
  return { ...run, startedAt: now };
}

async function layOutJobs(work: TenantWork, run: SyncRun): Promise<void> {
  const { trx, tenantId, now } = work;
  const integration = await findIntegration(work, run);
  const asked = integration === undefined ? [] : await datasetsToWorkOn(work, run, integration);
  const recordTypes = asked.flatMap(({ recordType, direction }) =>
    direction === 'pull' ? [recordType] : [],
  );
  const datasets = new Map(
    (await listSyncDatasets(work, run)).map((dataset) => [dataset.recordType, dataset]),
  );
  const sinceOf = (recordType: string): Date | null => {
    if (run.scope === 'full') return null;
    if (run.scope === 'last_day') return new Date(now.getTime() - LAST_DAY_MS);
    const dataset = datasets.get(recordType);
    if (dataset === undefined || dataset.watermark === null) return null;
    const { overlapMinutes } = settingsOf(integration?.typeSettings ?? {}, recordType);
    return new Date(dataset.watermark.getTime() - overlapMs(overlapMinutes, dataset, now));
  };
  const tokenOf = (recordType: string): string | null => {
    const dataset = run.scope === 'modified' ? datasets.get(recordType) : undefined;
    return dataset === undefined || dataset.watermark === null ? null : dataset.syncToken;
  };
  const pushed = asked.flatMap(({ recordType, direction }) =>
    direction === 'push' ? [pushJobOf(recordType)] : [],
  );
  const verified = verifies(run) ? pushOnlyTypes(integration, run).map(verifyJobOf) : [];
  const jobs = [...(readsMetadata(run) ? [METADATA_JOB] : []), ...recordTypes, ...verified, ...pushed];
  if (jobs.length === 0) return;
  await trx
    .insertInto('syncJobs')
    .values(
      jobs.map((recordType) => ({
        tenantId,
        syncRunId: run.syncRunId,
        recordType,
        state: 'queued' as const,
        modifiedSince: recordType === METADATA_JOB ? null : sinceOf(recordType),
        syncToken: tokenOf(recordType),
        cursor: null,
        asOf: null,
        readFinishedAt: null,
        remoteTotal: null,
        expectedRecords: null,
        deletesWithheld: null,
        failingSince: null,
        error: null,
        waitingUntil: null,
        waitingReason: null,
        startedAt: null,
        finishedAt: null,
        updatedAt: now,
      })),
    )
    .execute();
}

/** The nightly pass, or a full run in its place, also reads what is only pushed (rules.md 54). */
const verifies = ({ kind, standsFor }: SyncRun): boolean =>
  [kind, ...standsFor].some((purpose) => purpose === 'nightly' || purpose === 'full');

const pushOnlyTypes = (integration: Integration | undefined, { recordTypes }: SyncRun): string[] =>
  Object.entries(integration?.recordTypes ?? {})
    .filter(([type, { direction }]) => direction === 'push' && (recordTypes?.includes(type) ?? true))
    .map(([type]) => type)
    .sort();

/** The record types of the overview, still mapped or not; otherwise the mapped ones. */
async function datasetsToWorkOn(
  { trx, tenantId }: TenantWork,
  { kind, overviewId, recordTypes }: SyncRun,
  integration: Pick<Integration, 'recordTypes'>,
): Promise<{ recordType: string; direction: SyncDirection }[]> {
  if (overviewId !== null)
    return trx
      .selectFrom('overviewJobs')
      .select(['recordType', 'direction'])
      .where('tenantId', '=', tenantId)
      .where('overviewId', '=', overviewId)
      .orderBy('direction')
      .orderBy('recordType')
      .execute();
  return datasetsOf(integration.recordTypes, kind === 'sync_now' ? ['pull', 'push'] : ['pull']).filter(
    ({ recordType, direction }) => direction === 'push' || (recordTypes?.includes(recordType) ?? true),
  );
}

export interface JobChange {
  state: JobState;
  attempts?: number;
  failingSince?: Date | null;
  failures?: number;
  isLastAttemptFailed?: boolean;
  error?: SyncError | null;
  waitingUntil?: Date | null;
  waitingReason?: JobWait | null;
}

/** Sync Logs stay for ever, and a position may be the id of a person (rules.md 62). */
const WITHOUT_POSITION = { cursor: null, syncToken: null, nextSyncToken: null };

/** Changes the state of an unfinished job, and the run's with it. @returns false if the job has ended. */
export async function changeSyncJob(work: TenantWork, place: JobKey, change: JobChange): Promise<boolean> {
  const { trx, tenantId, now } = work;
  const run = await lockSyncRun(work, place);
  const before = await lockSyncJob(work, place);
  if (run === undefined || before === undefined || before.finishedAt !== null) return false;
  const isEnd = change.state !== 'running' && change.state !== 'waiting' && change.state !== 'queued';
  await trx
    .updateTable('syncJobs')
    .set({
      state: change.state,
      waitingUntil: change.waitingUntil ?? null,
      waitingReason: change.waitingReason ?? null,
      ...(change.attempts === undefined ? {} : { attempts: change.attempts }),
      ...(change.failingSince === undefined ? {} : { failingSince: change.failingSince }),
      ...(change.failures === undefined ? {} : { failures: change.failures }),
      ...(change.isLastAttemptFailed === undefined
        ? {}
        : { isLastAttemptFailed: change.isLastAttemptFailed }),
      ...(change.error === undefined
        ? {}
        : { error: change.error === null ? null : JSON.stringify(sanitizeForPostgres(change.error)) }),
      startedAt: before.startedAt ?? (change.state === 'queued' ? null : now),
      finishedAt: isEnd ? now : null,
      ...(isEnd && WITHOUT_POSITION),
      updatedAt: now,
    })
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', place.syncRunId)
    .where('recordType', '=', place.recordType)
    .execute();
  if (isEnd) {
    await clearPassState(work, { ...run, recordTypes: [place.recordType] });
    await recordInitialJob(work, { run, recordType: place.recordType, state: change.state });
  }
  await updateRunState(work, run);
  return true;
}

/**
 * Computes the run's state from its jobs. No other function writes it. The caller has locked the run's row
 * and calls this last, because it emits the events of an ended run.
 */
async function updateRunState(work: TenantWork, run: SyncRun): Promise<void> {
  const { trx, tenantId, now } = work;
  const jobs = await listSyncJobs(work, run);
  const current = await findSyncRun(work, run);
  if (current === undefined) return;
  const summary = summarizeRun(jobs, {
    isStarted: current.startedAt !== null,
    isCancelRequested: current.cancelRequestedAt !== null,
  });
  await trx
    .updateTable('syncRuns')
    .set({ ...summary, finishedAt: summary.isSyncFinished ? now : null })
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', run.syncRunId)
    .execute();
  const isEnd = summary.isSyncFinished && current.finishedAt === null;
  const ended = isEnd ? await endSyncRun(work, { ...current, ...summary, finishedAt: now }, jobs) : [];
  if (!summary.isSyncFinished) await updateOnboardingDuring(work, current, jobs);
  await appendStreamEvent(work, {
    topic: 'sync_runs',
    body: { integration_id: run.integrationId, sync_run_id: run.syncRunId, state: summary.state },
  });
  const ofCompany = run.scope === 'full' ? await companyEvents(work) : [];
  await emitEvents(work, [...ended, ...ofCompany]);
}

/** Ends waiting jobs at once; a job that is being read ends at its next page. */
export async function cancelSyncRun(
  work: TenantWork,
  { syncRunId, by }: RunKey & { by: string },
): Promise<void> {
  const { trx, tenantId, now } = work;
  const run = await lockSyncRun(work, { syncRunId });
  if (run === undefined || run.finishedAt !== null || run.cancelRequestedAt !== null) return;
  await trx
    .updateTable('syncRuns')
    // A run that never started ends here; it needs a start time to have an end.
    .set({ cancelRequestedAt: now, canceledBy: by, startedAt: run.startedAt ?? now })
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', syncRunId)
    .execute();
  const canceled = await trx
    .updateTable('syncJobs')
    .set({
      state: 'canceled',
      waitingUntil: null,
      waitingReason: null,
      ...WITHOUT_POSITION,
      finishedAt: now,
      updatedAt: now,
    })
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', syncRunId)
    .where('state', 'in', ['queued', 'waiting'])
    .returning('recordType')
    .execute();
  await clearPassState(work, { ...run, recordTypes: canceled.map(({ recordType }) => recordType) });
  await updateRunState(work, run);
}

/**
 * Records and emits that a run has continued for another 12 h. Repeating it changes nothing (rules.md 38).
 */
export async function emitSyncMilestone(
  work: TenantWork,
  { syncRunId, count }: RunKey & { count: number },
): Promise<void> {
  const { numAffectedRows } = await sql`
    update sync_runs set milestones = milestones || ${work.now}::timestamptz
    where tenant_id = ${work.tenantId} and sync_run_id = ${syncRunId} and finished_at is null and cardinality(milestones) < ${count}`.execute(
    work.trx,
  );
  const run = numAffectedRows === 1n ? await findSyncRun(work, { syncRunId }) : undefined;
  if (run !== undefined) await emitEvents(work, await syncEvents(work, run, await listSyncJobs(work, run)));
}
