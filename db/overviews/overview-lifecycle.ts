/** Requesting, generating and ending Sync Overviews (rules.md 19, 23). */
import { sql } from 'kysely';
import { OVERVIEW_VALID_MS, type OverviewJobState, supersededBy } from '../../domain/overviews/overview';
import type { SyncDirection } from '../../domain/records/mapping-directions';
import type { SyncError } from '../../domain/sync-error';
import type { TenantWork } from '../database';
import { findIntegration, type Integration, lockIntegration } from '../integrations/integrations';
import { endOperations } from '../notifications/operations';
import { enqueue } from '../platform/outbox';
import { newUuid } from '../sql/ids';
import { invalidate } from './invalidate-overviews';
import {
  changeOverviewJob,
  EMPTY_JOB,
  listOverviewJobs,
  type OverviewJob,
  type OverviewJobKey,
} from './overview-jobs';
import {
  announceOverview,
  lockOverview,
  lockValidOverview,
  type Overview,
  type OverviewKey,
} from './overviews';

/** The user or API key that requests an overview or a Sync Now. */
export interface Requester {
  requestedBy: string;
  personId: string | null;
}

/**
 * Accepts a request for an overview. An older overview that is valid or being generated is superseded.
 * @returns its id; undefined if the integration was deleted. Locks the integration's row.
 */
export async function requestOverview(
  work: TenantWork,
  {
    integrationId,
    datasets,
    ...by
  }: {
    integrationId: string;
    datasets: readonly { recordType: string; direction: SyncDirection }[];
  } & Requester,
): Promise<string | undefined> {
  const { trx, tenantId, now } = work;
  if ((await lockIntegration(work, { integrationId })) === undefined) return undefined;
  const overviewId = newUuid();
  const older = await lockValidOverview(work, { integrationId });
  if (older !== undefined)
    await invalidate(work, older, {
      reason: supersededBy(by, older),
      by: by.requestedBy,
      replacedByOverviewId: overviewId,
    });
  await trx
    .insertInto('overviews')
    .values({ ...EMPTY, ...by, tenantId, overviewId, integrationId, state: 'queued', requestedAt: now })
    .execute();
  await trx
    .insertInto('overviewJobs')
    .values(
      datasets.map((dataset) => ({
        ...EMPTY_JOB,
        ...dataset,
        tenantId,
        overviewId,
        state: 'queued' as const,
        updatedAt: now,
      })),
    )
    .execute();
  await enqueue(work, { topic: 'overview', overviewId, nextDueAt: now });
  await announceOverview(work, { overviewId, integrationId });
  return overviewId;
}

const EMPTY = {
  generatedAt: null,
  expiresAt: null,
  appliedSyncRunId: null,
  invalidAt: null,
  invalidReason: null,
  invalidBy: null,
  replacedByOverviewId: null,
  replacedBySyncRunId: null,
  dataDeletedAt: null,
};

/** Starts or continues an overview. @returns its rows; undefined if it is no longer to be generated. */
export async function beginOverview(
  work: TenantWork,
  place: OverviewKey,
): Promise<{ overview: Overview; integration: Integration; job: OverviewJob | undefined } | undefined> {
  const { trx, tenantId } = work;
  const overview = await lockOverview(work, place);
  if (overview === undefined || (overview.state !== 'queued' && overview.state !== 'running'))
    return undefined;
  const integration = await findIntegration(work, overview);
  if (integration === undefined) {
    await invalidate(work, overview, { reason: 'integration_deleted', by: 'syncline' });
    return undefined;
  }
  if (overview.state === 'queued')
    await trx
      .updateTable('overviews')
      .set({ state: 'running' })
      .where('tenantId', '=', tenantId)
      .where('overviewId', '=', place.overviewId)
      .execute();
  const jobs = await listOverviewJobs(work, [place.overviewId]);
  return { overview, integration, job: jobs.find(({ finishedAt }) => finishedAt === null) };
}

export interface OverviewJobEnd {
  state: Extract<OverviewJobState, 'succeeded' | 'failed' | 'not_supported'>;
  error?: SyncError | null;
}

/** A dataset that could not be read completely fails the overview: it never shows a part (rules.md 23). */
export async function endOverviewJob(
  work: TenantWork,
  place: OverviewJobKey,
  { state, error = null }: OverviewJobEnd,
): Promise<void> {
  const overview = await lockOverview(work, place);
  if (overview?.state !== 'running') return;
  await changeOverviewJob(work, place, { state, error, finishedAt: work.now });
  if (state === 'failed') return endOverview(work, overview, 'failed');
  const jobs = await listOverviewJobs(work, [place.overviewId]);
  if (jobs.every(({ finishedAt }) => finishedAt !== null))
    await endOverview(work, overview, jobs.some((job) => job.state === 'succeeded') ? 'ready' : 'failed');
  else await announceOverview(work, overview);
}

async function endOverview(
  work: TenantWork,
  { overviewId, integrationId }: Overview,
  state: 'ready' | 'failed',
): Promise<void> {
  const { trx, tenantId, now } = work;
  await trx
    .updateTable('overviews')
    .set({
      state,
      generatedAt: now,
      expiresAt: state === 'ready' ? new Date(now.getTime() + OVERVIEW_VALID_MS) : null,
    })
    .where('tenantId', '=', tenantId)
    .where('overviewId', '=', overviewId)
    .execute();
  if (state === 'failed') await deleteOverviewData(work, { overviewId });
  await endOperations(work, { integrationId, overviewId, outcome: state });
  await announceOverview(work, { overviewId, integrationId });
}

/** Deletes the items and pages of an invalid overview. Its jobs keep their counts. */
export async function deleteOverviewData(
  { trx, tenantId, now }: TenantWork,
  { overviewId }: OverviewKey,
): Promise<void> {
  for (const table of ['overview_items', 'overview_pages'])
    await sql`delete from ${sql.table(table)} where tenant_id = ${tenantId} and overview_id = ${overviewId}`.execute(
      trx,
    );
  await sql`delete from match_keys where tenant_id = ${tenantId} and sync_run_id = ${overviewId}`.execute(
    trx,
  );
  await trx
    .updateTable('overviews')
    .set({ dataDeletedAt: now })
    .where('tenantId', '=', tenantId)
    .where('overviewId', '=', overviewId)
    .execute();
}

/**
 * Deletes the differences that a Sync Now computed, stored under the id of its run, and its list of pushes.
 * Neither is needed once the run has ended.
 */
export async function deleteSyncNowItems(
  { trx, tenantId }: TenantWork,
  { syncRunId }: { syncRunId: string },
): Promise<void> {
  await sql`delete from sync_run_pushes where tenant_id = ${tenantId} and sync_run_id = ${syncRunId}`.execute(
    trx,
  );
  for (const table of ['overview_items', 'overview_pages', 'overview_jobs'])
    await sql`delete from ${sql.table(table)} where tenant_id = ${tenantId} and overview_id = ${syncRunId}`.execute(
      trx,
    );
}
