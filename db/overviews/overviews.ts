/**
 * Sync Overviews (rules.md 19 to 23): one valid snapshot per integration, made by its own workflow, invalid from the moment that a newer
 * one is accepted, a Sync Now runs, or 7 days have passed. The data of an invalid one is deleted, its row stays.
 */
import { type Selectable, sql } from 'kysely';
import {
  OVERVIEW_VALID_MS,
  type OverviewInvalidity,
  type OverviewJobState,
  supersededBy,
  type SyncDirection,
} from '../../domain/overviews/overview';
import type { SyncError } from '../../domain/sync-error';
import type { TenantWork } from '../database';
import { newUuid } from '../sql/ids';
import { findIntegration, type Integration, lockIntegration } from '../integrations/integrations';
import { endOperations } from '../notifications/operations';
import { enqueue } from '../platform/outbox';
import { sanitizeForPostgres } from '../sql/sanitize-text';
import { appendStreamEvent } from '../platform/change-feed';
import type { OverviewJobsTable, OverviewsTable } from '../tables/overviews';

export type Overview = Selectable<OverviewsTable>;
export type OverviewJob = Selectable<OverviewJobsTable>;

export interface OverviewKey {
  overviewId: string;
}
export interface OverviewJobKey extends OverviewKey {
  recordType: string;
  direction: SyncDirection;
}

/** Who asks. */
export interface Requester {
  requestedBy: string;
  personId: string | null;
}

/**
 * Accepts an overview: what was valid or on its way before is superseded at this moment.
 * @returns its id; undefined where the integration is gone. Locks the integration's row.
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
  const older = await findValid(work, { integrationId });
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
  await announce(work, { overviewId, integrationId });
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
export const EMPTY_JOB = {
  cursor: null,
  readFinishedAt: null,
  afterRecordId: null,
  comparedWith: null,
  expectedRecords: null,
  failingSince: null,
  waitingUntil: null,
  error: null,
  startedAt: null,
  finishedAt: null,
};

/** Not superseded, not expired, not being applied. */
async function findValid(
  { trx, tenantId }: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<Overview | undefined> {
  return trx
    .selectFrom('overviews')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('invalidAt', 'is', null)
    .where('appliedSyncRunId', 'is', null)
    .forUpdate()
    .executeTakeFirst();
}

export interface Invalidation {
  reason: OverviewInvalidity;
  by: string;
  replacedByOverviewId?: string;
  replacedBySyncRunId?: string;
}

/** Whatever state it is in: one that is being made ends, and who asked for it is told why. */
export async function invalidate(
  work: TenantWork,
  overview: Overview,
  { reason, by, replacedByOverviewId, replacedBySyncRunId }: Invalidation,
): Promise<void> {
  const { trx, tenantId, now } = work;
  const isMade = overview.state === 'ready' || overview.state === 'failed';
  await trx
    .updateTable('overviews')
    .set({
      state: isMade ? overview.state : 'canceled',
      invalidAt: now,
      invalidReason: reason,
      invalidBy: by,
      replacedByOverviewId: replacedByOverviewId ?? null,
      replacedBySyncRunId: replacedBySyncRunId ?? null,
    })
    .where('tenantId', '=', tenantId)
    .where('overviewId', '=', overview.overviewId)
    .execute();
  if (!isMade)
    await endOperations(work, {
      integrationId: overview.integrationId,
      overviewId: overview.overviewId,
      outcome: 'canceled',
      reason,
    });
  await enqueue(work, { topic: 'overview', overviewId: overview.overviewId, nextDueAt: now });
  await announce(work, overview);
}

/** A Sync Now ran, or the integration is gone: what was seen before no longer holds. */
export async function invalidateOverviewsOf(
  work: TenantWork,
  { integrationId, ...why }: { integrationId: string } & Invalidation,
): Promise<void> {
  const valid = await findValid(work, { integrationId });
  if (valid !== undefined) await invalidate(work, valid, why);
}

/** A Sync Now has ended. What was read while it was at work is partly what was there before and partly what is there now. */
export async function invalidateOverviewsReadDuring(
  work: TenantWork,
  { syncRunId, integrationId, by }: { syncRunId: string; integrationId: string; by: string },
): Promise<void> {
  const valid = await findValid(work, { integrationId });
  if (valid !== undefined && valid.state !== 'queued')
    await invalidate(work, valid, { reason: 'superseded_by_sync', by, replacedBySyncRunId: syncRunId });
}

/** The run that applied it has ended: as it should, or before it was through. */
export async function endApplied(
  work: TenantWork,
  { syncRunId, by, isApplied }: { syncRunId: string; by: string; isApplied: boolean },
): Promise<void> {
  const { trx, tenantId } = work;
  const applied = await trx
    .selectFrom('overviews')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('appliedSyncRunId', '=', syncRunId)
    .where('invalidAt', 'is', null)
    .forUpdate()
    .executeTakeFirst();
  if (applied !== undefined)
    await invalidate(work, applied, {
      reason: isApplied ? 'applied' : 'superseded_by_sync',
      by,
      replacedBySyncRunId: syncRunId,
    });
}

/** As it stands at this moment: one whose time is up is no longer valid, whether or not anybody has noted it yet. */
export async function findOverview(
  work: TenantWork,
  { overviewId }: OverviewKey,
): Promise<Overview | undefined> {
  const { trx, tenantId } = work;
  const row = await trx
    .selectFrom('overviews')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('overviewId', '=', overviewId)
    .executeTakeFirst();
  return row === undefined ? undefined : asOfNow(work, row);
}

function asOfNow({ now }: TenantWork, row: Overview): Overview {
  const isExpired =
    row.invalidAt === null && row.appliedSyncRunId === null && row.expiresAt !== null && row.expiresAt <= now;
  return isExpired
    ? { ...row, invalidAt: row.expiresAt, invalidReason: 'expired', invalidBy: 'syncline' }
    : row;
}

/** Nobody else changes it until this transaction ends. */
export async function lockOverview(
  { trx, tenantId }: TenantWork,
  { overviewId }: OverviewKey,
): Promise<Overview | undefined> {
  return trx
    .selectFrom('overviews')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('overviewId', '=', overviewId)
    .forUpdate()
    .executeTakeFirst();
}

/** Newest first. */
export async function listOverviews(
  work: TenantWork,
  {
    integrationId,
    limit,
    before,
  }: { integrationId?: string | undefined; limit: number; before?: string | undefined },
): Promise<Overview[]> {
  const { trx, tenantId } = work;
  let query = trx.selectFrom('overviews').selectAll().where('tenantId', '=', tenantId);
  if (integrationId !== undefined) query = query.where('integrationId', '=', integrationId);
  if (before !== undefined) query = query.where('overviewId', '<', before);
  const rows = await query.orderBy('overviewId', 'desc').limit(limit).execute();
  return rows.map((row) => asOfNow(work, row));
}

/** In the order in which they are worked on. */
export async function listOverviewJobs(
  { trx, tenantId }: TenantWork,
  overviewIds: readonly string[],
): Promise<OverviewJob[]> {
  if (overviewIds.length === 0) return [];
  return trx
    .selectFrom('overviewJobs')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('overviewId', 'in', [...overviewIds])
    .orderBy('overviewId')
    .orderBy('direction')
    .orderBy('recordType')
    .execute();
}

/** What a worker needs to go on with it; undefined = it is no longer to be made. */
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

export async function lockOverviewJob(
  { trx, tenantId }: TenantWork,
  place: OverviewJobKey,
): Promise<OverviewJob | undefined> {
  return trx
    .selectFrom('overviewJobs')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('overviewId', '=', place.overviewId)
    .where('recordType', '=', place.recordType)
    .where('direction', '=', place.direction)
    .forUpdate()
    .executeTakeFirst();
}

/** True where it was superseded while it is made: not a page more is asked for. What a Sync Now finds out itself has no row here. */
export async function isCanceled(
  { trx, tenantId }: TenantWork,
  { overviewId }: OverviewKey,
): Promise<boolean> {
  const overview = await trx
    .selectFrom('overviews')
    .select('state')
    .where('tenantId', '=', tenantId)
    .where('overviewId', '=', overviewId)
    .executeTakeFirst();
  return overview?.state === 'canceled';
}

export async function changeOverviewJob(
  { trx, tenantId, now }: TenantWork,
  place: OverviewJobKey,
  change: Partial<Omit<OverviewJob, 'error'>> & { error?: SyncError | null },
): Promise<void> {
  const { error, ...columns } = change;
  await trx
    .updateTable('overviewJobs')
    .set({
      ...columns,
      ...(error === undefined
        ? {}
        : { error: error === null ? null : JSON.stringify(sanitizeForPostgres(error)) }),
      updatedAt: now,
    })
    .where('tenantId', '=', tenantId)
    .where('overviewId', '=', place.overviewId)
    .where('recordType', '=', place.recordType)
    .where('direction', '=', place.direction)
    .execute();
}

/** One that could not be read whole ends the overview: it never shows half a truth (rules.md 23). */
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
  else await announce(work, overview);
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
  await announce(work, { overviewId, integrationId });
}

/** Its time is up, if it still was valid. */
export async function expireOverview(work: TenantWork, place: OverviewKey): Promise<void> {
  const overview = await lockOverview(work, place);
  if (
    overview?.invalidAt === null &&
    overview.appliedSyncRunId === null &&
    overview.expiresAt !== null &&
    overview.expiresAt <= work.now
  )
    await invalidate(work, overview, { reason: 'expired', by: 'syncline' });
}

/** What an invalid one showed. Its counts stay with its jobs. */
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

export async function announceOverview(
  work: TenantWork,
  overview: Pick<Overview, 'overviewId' | 'integrationId'>,
): Promise<void> {
  return announce(work, overview);
}

async function announce(
  work: TenantWork,
  { overviewId, integrationId }: Pick<Overview, 'overviewId' | 'integrationId'>,
): Promise<void> {
  await appendStreamEvent(work, {
    topic: 'overviews',
    body: { integration_id: integrationId, overview_id: overviewId },
  });
}

/** What a Sync Now found out itself is kept under its own id, with the list of what it followed: both have done their work. */
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
