/**
 * Deletion by absence (rules.md 31): only after a full pass in which every page was read, soft, and with a brake: too many at once are
 * parked until somebody approves or discards them. The link of a deleted record goes; one that comes back there comes back here.
 */
import { type Selectable, sql } from 'kysely';
import { needsReview } from '../../domain/sync-runs/sync-status';
import type { TenantWork } from '../database';
import { supersedeReviews } from './deletion-reviews';
import { newUuid, toTypeId } from '../sql/ids';
import { lockMappings } from '../records/mapping-lock';
import { keepReviewedDeletions } from './apply-reviewed';
import { resolveNotification, notifyAdmins } from '../notifications/notifications';
import { findAcceptingIntegrations } from '../records/accepting-integrations';
import { writeRecordSyncs } from '../records/update-record-syncs';
import type { RecordDraft } from '../../domain/records/record-draft';
import { emitRecordEvents } from '../records/record-events';
import { writeRecords } from '../records/write-records';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { countLinked } from '../sync-runs/sync-datasets';
import { lockSyncJob } from '../sync-runs/sync-jobs';
import type { DeletionReviewsTable } from '../tables/pull';

export type DeletionReview = Selectable<DeletionReviewsTable>;

export interface PassKey {
  integrationId: string;
  syncRunId: string;
  recordType: string;
}

/** Linked records that no page of this pass held. What was linked or pushed since it began cannot be missing. */
async function findMissing(work: TenantWork, pass: PassKey & { limit: number }): Promise<string[]> {
  // Taken for a handful by the statistics, the two sides would be compared row by row: a million times a million.
  await sql`set local enable_nestloop = off`.execute(work.trx);
  const missing = await compareWithSeen(work, pass);
  await sql`set local enable_nestloop = on`.execute(work.trx);
  return missing;
}

async function compareWithSeen(
  { trx, tenantId }: TenantWork,
  { integrationId, syncRunId, recordType, limit }: PassKey & { limit: number },
): Promise<string[]> {
  const { rows } = await sql<{ recordId: string }>`
    with seen as materialized (
      select unnest(page.seen) as record_id from sync_pages page
      where page.tenant_id = ${opaqueToPlanner(tenantId)} and page.sync_run_id = ${opaqueToPlanner(syncRunId)} and page.record_type = ${recordType})
    select link.record_id from record_links link
    where link.tenant_id = ${opaqueToPlanner(tenantId)} and link.integration_id = ${opaqueToPlanner(integrationId)} and link.record_type = ${recordType}
      and link.updated_at < (select started_at from sync_jobs where tenant_id = ${tenantId} and sync_run_id = ${syncRunId} and record_type = ${recordType})
      and not exists (select from seen where seen.record_id = link.record_id)
    order by link.record_id limit ${limit}`.execute(trx);
  return rows.map(({ recordId }) => recordId);
}

/** Enough for the brake of any dataset, and for one transaction to park. */
export const PARKED_MAX = 1_000_000;

/**
 * Decides once, after the last page: nothing missing, delete, or park for review. Parked deletions of an earlier pass are superseded:
 * this one knows better. @param isCertain false where nothing tells a record that slipped from page to page from one that is gone: people do.
 */
export async function planDeletions(
  work: TenantWork,
  { isCertain = true, ...place }: PassKey & { isCertain?: boolean },
): Promise<'none' | 'delete' | 'parked'> {
  await supersedeReviews(work, place);
  const job = await lockSyncJob(work, place);
  // Where all is met for the first time nothing was here that could be missing.
  const missing = job?.isInitialLoad === true ? [] : await findMissing(work, { ...place, limit: PARKED_MAX });
  if (missing.length === 0) {
    await decideNotification(work, place);
    return 'none';
  }
  // What came with this pass proves nothing about what was there before: another account's records must not make up for ours.
  const held = (await countLinked(work, place)) - (job?.recordsNew ?? 0);
  if (isCertain && !needsReview({ missing: missing.length, held })) {
    await decideNotification(work, place);
    return 'delete';
  }
  await park(work, { ...place, missing, held });
  return 'parked';
}

async function park(
  work: TenantWork,
  { missing, held, ...place }: PassKey & { missing: string[]; held: number },
): Promise<void> {
  const { trx, tenantId, now } = work;
  await trx
    .insertInto('deletionReviews')
    .values({
      tenantId,
      deletionReviewId: newUuid(),
      ...place,
      recordIds: missing,
      recordsHeld: held,
      state: 'pending',
      recordsDeleted: null,
      decidedBy: null,
      decidedAt: null,
      createdAt: now,
    })
    .execute();
  const detail = `${missing.length} of ${held} ${place.recordType} are gone at the third party. Nothing was deleted here: approve or discard it.`;
  await notifyAdmins(work, {
    integrationId: place.integrationId,
    kind: 'deletions_need_review',
    syncRunId: place.syncRunId,
    detail,
  });
}

/** Deletes the next missing records of a pass. @returns how many; 0 = none is left. */
export async function deleteMissing(work: TenantWork, place: PassKey & { limit: number }): Promise<number> {
  const job = await lockSyncJob(work, place);
  if (job === undefined || job.finishedAt !== null) return 0;
  const missing = await findMissing(work, place);
  if (missing.length === 0) return 0;
  await deleteAndLog(work, place, job.pages, missing);
  return missing.length;
}

async function deleteAndLog(
  work: TenantWork,
  place: PassKey,
  page: number,
  recordIds: string[],
): Promise<void> {
  const deleted = await softDelete(work, { ...place, recordIds });
  const { trx, tenantId, now } = work;
  await trx
    .insertInto('syncPages')
    .values({
      tenantId,
      syncRunId: place.syncRunId,
      recordType: place.recordType,
      page,
      idsDigest: '',
      seen: null,
      created: [],
      changed: '[]',
      deleted: deleted.map(({ recordId }) => recordId),
      at: now,
    })
    .execute();
  await trx
    .updateTable('syncJobs')
    .set((eb) => ({
      pages: page + 1,
      recordsDeleted: eb('recordsDeleted', '+', deleted.length),
      updatedAt: now,
    }))
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', place.syncRunId)
    .where('recordType', '=', place.recordType)
    .execute();
  await emitRecordEvents(work, place, deleted);
}

/**
 * Deletes the next missing records whose deletion was reviewed (rules.md 21): that was the answer to the brake's question.
 * @returns how many; 0 = none is left.
 */
export async function deleteReviewedMissing(
  work: TenantWork,
  { overviewId, limit, ...place }: PassKey & { overviewId: string; limit: number },
): Promise<number> {
  const job = await lockSyncJob(work, place);
  if (job === undefined || job.finishedAt !== null) return 0;
  const missing = await findMissing(work, { ...place, limit: PARKED_MAX });
  const reviewed = await keepReviewedDeletions(work, { ...place, overviewId, limit }, missing);
  if (reviewed.length > 0) await deleteAndLog(work, place, job.pages, reviewed);
  return reviewed.length;
}

/** A change for every other integration; the one they came from is told nothing. */
async function softDelete(
  work: TenantWork,
  { integrationId, syncRunId, recordType, recordIds }: PassKey & { recordIds: string[] },
): Promise<RecordDraft[]> {
  const { trx, tenantId, now } = work;
  await lockMappings(work, 'shared');
  const { rows } = await sql<{
    recordId: string;
    externalId: string;
    version: number;
    fields: RecordDraft['after']['fields'];
    occurredAt: Date;
    changedAt: Date;
    isDeleted: boolean;
  }>`
    select record.record_id, record.external_id, record.version, record.fields, record.occurred_at, record.changed_at, record.deleted_at is not null as is_deleted
    from unnest(${recordIds}::uuid[]) as wanted(record_id)
    cross join lateral (
      select * from records where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = wanted.record_id for update) record`.execute(
    trx,
  );
  const drafts = rows
    .filter(({ isDeleted }) => !isDeleted)
    .map(({ recordId, externalId, changedAt, ...before }): RecordDraft => ({
      recordId,
      recordType,
      externalId,
      before,
      after: { ...before, version: before.version + 1, isDeleted: true },
      changedFields: new Set(),
      isTouched: true,
      changedAt: changedAt > now ? changedAt : now,
    }));
  const author = {
    actor: `integration:${toTypeId('int', integrationId)}`,
    requestId: toTypeId('run', syncRunId),
  };
  await writeRecords(work, drafts, author.actor);
  await writeRecordSyncs(
    work,
    await findAcceptingIntegrations(work, { except: integrationId }),
    drafts,
    author,
  );
  await unlink(work, { integrationId, recordIds });
  return drafts;
}

/** Their pairs and links go. What was on its way to one that is gone there goes nowhere, and the push log says so. */
async function unlink(
  { trx, tenantId, now }: TenantWork,
  { integrationId, recordIds }: { integrationId: string; recordIds: string[] },
): Promise<void> {
  const recordSyncs = await trx
    .deleteFrom('recordSyncs')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('recordId', 'in', recordIds)
    .returning('pushId')
    .execute();
  const pushIds = recordSyncs.flatMap(({ pushId }) => pushId ?? []);
  if (pushIds.length > 0)
    await trx
      .updateTable('pushes')
      .set({ result: 'closed', finishedAt: now })
      .where('tenantId', '=', tenantId)
      .where('pushId', 'in', pushIds)
      .execute();
  await trx
    .deleteFrom('recordLinks')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('recordId', 'in', recordIds)
    .execute();
}

export async function findDeletionReview(
  { trx, tenantId }: TenantWork,
  { deletionReviewId }: { deletionReviewId: string },
): Promise<DeletionReview | undefined> {
  return trx
    .selectFrom('deletionReviews')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('deletionReviewId', '=', deletionReviewId)
    .forUpdate()
    .executeTakeFirst();
}

/** Newest first. */
export async function listDeletionReviews(
  { trx, tenantId }: TenantWork,
  {
    limit,
    before,
    state,
    integrationId,
  }: {
    limit: number;
    before?: string | undefined;
    state?: DeletionReview['state'] | undefined;
    integrationId?: string | undefined;
  },
): Promise<DeletionReview[]> {
  let query = trx.selectFrom('deletionReviews').selectAll().where('tenantId', '=', tenantId);
  if (before !== undefined) query = query.where('deletionReviewId', '<', before);
  if (state !== undefined) query = query.where('state', '=', state);
  if (integrationId !== undefined) query = query.where('integrationId', '=', integrationId);
  return query.orderBy('deletionReviewId', 'desc').limit(limit).execute();
}

/** The parked records as people know them, for the review's page. */
export async function listParkedRecords(
  { trx, tenantId }: TenantWork,
  { deletionReviewId, limit, after }: { deletionReviewId: string; limit: number; after?: string | undefined },
): Promise<{ recordId: string; externalId: string }[]> {
  const { rows } = await sql<{ recordId: string; externalId: string }>`
    select record.record_id, record.external_id
    from deletion_reviews review cross join lateral unnest(review.record_ids) as parked(record_id)
    join records record on record.tenant_id = review.tenant_id and record.record_id = parked.record_id
    where review.tenant_id = ${tenantId} and review.deletion_review_id = ${deletionReviewId} and (${after ?? null}::uuid is null or record.record_id > ${after ?? null}::uuid)
    order by record.record_id limit ${limit}`.execute(trx);
  return rows;
}

const CHUNK = 1_000;

/**
 * Deletes what is parked, as far as it is still linked and was not pushed since; or leaves everything as it is. The caller has locked the review.
 * @returns how many were deleted.
 */
export async function decideDeletionReview(
  work: TenantWork,
  { review, decision, by }: { review: DeletionReview; decision: 'approved' | 'discarded'; by: string },
): Promise<number> {
  const { trx, tenantId, now } = work;
  const deleted: RecordDraft[] = [];
  if (decision === 'approved') {
    const still = await stillLinked(work, review);
    for (let start = 0; start < still.length; start += CHUNK)
      deleted.push(...(await softDelete(work, { ...review, recordIds: still.slice(start, start + CHUNK) })));
  }
  await trx
    .updateTable('deletionReviews')
    .set({ state: decision, decidedBy: by, decidedAt: now, recordsDeleted: deleted.length })
    .where('tenantId', '=', tenantId)
    .where('deletionReviewId', '=', review.deletionReviewId)
    .execute();
  await decideNotification(work, review);
  await emitRecordEvents(work, review, deleted);
  return deleted.length;
}

/** People are asked as long as something waits for their answer, of whatever record type. */
async function decideNotification(
  work: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<void> {
  const { trx, tenantId, now } = work;
  const pending = await trx
    .selectFrom('deletionReviews')
    .select('deletionReviewId')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('state', '=', 'pending')
    .limit(1)
    .executeTakeFirst();
  if (pending === undefined)
    await resolveNotification(work, { integrationId, kind: 'deletions_need_review', now });
}

async function stillLinked(
  { trx, tenantId }: TenantWork,
  { integrationId, recordIds, createdAt }: DeletionReview,
): Promise<string[]> {
  const { rows } = await sql<{ recordId: string }>`
    select link.record_id from unnest(${recordIds}::uuid[]) as parked(record_id)
    cross join lateral (
      select record_id from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)} and record_id = parked.record_id and updated_at < ${createdAt}) link
    order by link.record_id`.execute(trx);
  return rows.map(({ recordId }) => recordId);
}
