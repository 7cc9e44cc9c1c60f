/** Requesting, generating and ending Sync Overviews (rules.md 19, 23). */
import { sql } from 'kysely';
import { OVERVIEW_VALID_MS, type OverviewJobState, supersededBy } from '../../domain/overviews/overview';
import type { SyncDirection } from '../../domain/records/mapping-directions';
import type { SyncError } from '../../domain/sync-error';
import type { TenantWork } from '../database';
import { findIntegration, type Integration, lockIntegration } from '../integrations/integrations';
import { endOperations } from '../notifications/operations';
import { type BackgroundTask, beginBackgroundTask, type Chunk } from '../platform/background-tasks';
import { enqueue } from '../platform/outbox';
import { newUuid } from '../sql/ids';
import { changeSome } from '../sql/some-rows';
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
  await endOperations(work, { integrationId, overviewId, outcome: state });
  await announceOverview(work, { overviewId, integrationId });
}

const ROWS_PER_CHUNK = 1_000;
/** Of a Sync Now, that its end deletes itself. */
const ROWS_AT_END = 100;

/**
 * Deletes the next items and pages of an invalid overview. Its jobs keep their counts. They lose the position
 * at which they stopped reading, which may be the id of a person.
 */
export async function deleteOverviewData(
  work: TenantWork,
  { overviewId }: OverviewKey,
): Promise<'done' | 'more'> {
  const tables = ['overview_items', 'overview_pages', 'match_keys'];
  if ((await deleteSome(work, tables, overviewId, ROWS_PER_CHUNK)) === ROWS_PER_CHUNK) return 'more';
  await work.trx
    .updateTable('overviewJobs')
    .set({ cursor: null })
    .where('tenantId', '=', work.tenantId)
    .where('overviewId', '=', overviewId)
    .execute();
  await work.trx
    .updateTable('overviews')
    .set({ dataDeletedAt: work.now })
    .where('tenantId', '=', work.tenantId)
    .where('overviewId', '=', overviewId)
    .execute();
  return 'done';
}

/**
 * Deletes the differences that a Sync Now computed, stored under the id of its run, and its list of pushes.
 * Neither is needed once the run has ended. A background task continues with what is left.
 */
export async function deleteSyncNowItems(
  work: TenantWork,
  { integrationId, syncRunId }: { integrationId: string; syncRunId: string },
): Promise<void> {
  if ((await clearSyncNow(work, { subjectId: syncRunId }, ROWS_AT_END)).next === null) return;
  await beginBackgroundTask(
    work,
    { integrationId, kind: 'clear_sync_now', subjectId: syncRunId, requestedBy: 'syncline' },
    clearSyncNow,
  );
}

export async function clearSyncNow(
  work: TenantWork,
  { subjectId }: Pick<BackgroundTask, 'subjectId'>,
  limit: number,
): Promise<Chunk> {
  const tables = ['sync_run_pushes', 'overview_items', 'overview_pages', 'overview_jobs'];
  const rows = await deleteSome(work, tables, subjectId ?? '', limit);
  return { rows, next: rows < limit ? null : { step: '', cursor: null } };
}

const RUN_TABLES = new Set(['sync_run_pushes', 'match_keys']);

/** @returns how many rows it deleted; `limit` = there may be more. */
async function deleteSome(
  work: TenantWork,
  tables: readonly string[],
  id: string,
  limit: number,
): Promise<number> {
  let deleted = 0;
  for (const table of tables) {
    if (deleted === limit) break;
    const column = sql.ref(RUN_TABLES.has(table) ? 'sync_run_id' : 'overview_id');
    deleted += await changeSome(work, {
      table,
      where: sql`tenant_id = ${work.tenantId} and ${column} = ${id}`,
      limit: limit - deleted,
    });
  }
  return deleted;
}
