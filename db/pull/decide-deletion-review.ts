/** Approving or discarding the deletions of a review (rules.md 31). */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { findIntegration } from '../integrations/integrations';
import { type BackgroundTask, beginBackgroundTask, type Chunk } from '../platform/background-tasks';
import { emitRecordEvents } from '../records/record-events';
import { keysOf, opaqueToPlanner } from '../sql/bulk-rows';
import { FIRST_ID } from '../sql/ids';
import { inIndexOrder } from '../sql/index-order';
import { applyEmptied } from './apply-emptied';
import { type DeletionReview, lockDeletionReview, resolveIfDecided } from './deletion-reviews';
import { softDelete } from './soft-delete';

/**
 * Approved: deletes the records that are still missing, or empties their fields. New records are stored by
 * the next run. Discarded: changes no record. The caller has locked the review. A background task continues
 * with what is left after the first records.
 * @returns how many records were deleted or emptied so far.
 */
export async function decideDeletionReview(
  work: TenantWork,
  { review, decision, by }: { review: DeletionReview; decision: 'approved' | 'discarded'; by: string },
): Promise<number> {
  const { trx, tenantId, now } = work;
  const { deletionReviewId, integrationId } = review;
  await trx
    .updateTable('deletionReviews')
    .set({ state: decision, decidedBy: by, decidedAt: now, recordsDeleted: 0 })
    .where('tenantId', '=', tenantId)
    .where('deletionReviewId', '=', deletionReviewId)
    .execute();
  await resolveIfDecided(work, review);
  const hasRows = decision === 'approved' ? review.kind !== 'grow' : review.kind === 'empty';
  if (!hasRows) return 0;
  await beginBackgroundTask(
    work,
    { integrationId, kind: 'decide_deletion_review', subjectId: deletionReviewId, requestedBy: by },
    carryOutDeletionReview,
  );
  return (await lockDeletionReview(work, { deletionReviewId }))?.recordsDeleted ?? 0;
}

/** Ends early if the integration was deleted meanwhile. */
export async function carryOutDeletionReview(
  work: TenantWork,
  { subjectId, cursor }: Pick<BackgroundTask, 'subjectId' | 'cursor'>,
  limit: number,
): Promise<Chunk> {
  const review = await lockDeletionReview(work, { deletionReviewId: subjectId ?? '' });
  if (review === undefined || (await findIntegration(work, review)) === undefined)
    return { rows: 0, next: null };
  const place = { after: cursor, limit };
  if (review.state === 'discarded') return discardEmptied(work, review, place);
  if (review.kind === 'delete') return deleteReviewed(work, review, place);
  const { handled, last } = await applyEmptied(work, review, {
    ...place,
    only: review.fields,
    isApproved: true,
  });
  await countDecided(work, review, handled);
  return { rows: handled, next: handled < limit ? null : { step: '', cursor: last } };
}

interface Place {
  after: string | null;
  limit: number;
}

async function countDecided(
  { trx, tenantId }: TenantWork,
  { deletionReviewId }: DeletionReview,
  count: number,
): Promise<void> {
  await trx
    .updateTable('deletionReviews')
    .set((eb) => ({ recordsDeleted: eb('recordsDeleted', '+', count) }))
    .where('tenantId', '=', tenantId)
    .where('deletionReviewId', '=', deletionReviewId)
    .execute();
}

async function deleteReviewed(
  work: TenantWork,
  review: DeletionReview,
  { after, limit }: Place,
): Promise<Chunk> {
  const { integrationId, syncRunId, recordType } = review;
  const missing = await listMissing(work, review, { after, limit });
  const linkedBefore = await beginOfPass(work, review);
  const pass = { integrationId, syncRunId, recordType };
  const deleted = await softDelete(work, { ...pass, recordIds: missing, linkedBefore });
  await countDecided(work, review, deleted.length);
  await emitRecordEvents(work, review, deleted);
  const isLast = missing.length < limit;
  return { rows: missing.length, next: isLast ? null : { step: '', cursor: missing.at(-1) ?? null } };
}

/** A record that was pushed after it, while the pass still read, is not missing. */
async function beginOfPass(
  { trx, tenantId }: TenantWork,
  { syncRunId, recordType, createdAt }: DeletionReview,
): Promise<Date> {
  const job = await trx
    .selectFrom('syncJobs')
    .select('startedAt')
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', syncRunId)
    .where('recordType', '=', recordType)
    .executeTakeFirst();
  return job?.startedAt ?? createdAt;
}

async function listMissing(
  work: TenantWork,
  { syncRunId, recordType }: DeletionReview,
  { after, limit }: Place,
): Promise<string[]> {
  const next = sql<{ recordId: string }>`
    select record_id from missing_records
    where tenant_id = ${work.tenantId} and sync_run_id = ${syncRunId} and record_type = ${recordType}
      and (${after}::uuid is null or record_id > ${after}::uuid)
    order by record_id limit ${limit}`;
  const { rows } = await inIndexOrder(work, () => next.execute(work.trx));
  return rows.map(({ recordId }) => recordId);
}

/** The next full pass finds them again. */
async function discardEmptied(
  work: TenantWork,
  { integrationId, recordType, fields }: DeletionReview,
  { after, limit }: Place,
): Promise<Chunk> {
  const { trx, tenantId } = work;
  const ofType = sql`tenant_id = ${opaqueToPlanner(tenantId)}
    and integration_id = ${opaqueToPlanner(integrationId)} and record_type = ${recordType}`;
  const next = sql<{ recordId: string }>`
    select record_id from emptied_records
    where ${ofType} and record_id > ${after ?? FIRST_ID}::uuid and remote is not null
      and fields && ${fields}::text[]
    order by record_id limit ${limit} for update`;
  const { rows } = await inIndexOrder(work, () => next.execute(trx));
  if (rows.length > 0)
    await sql`
      delete from emptied_records where ${ofType} and record_id = any(${keysOf(rows, 'recordId')})`.execute(
      trx,
    );
  const isLast = rows.length < limit;
  return { rows: rows.length, next: isLast ? null : { step: '', cursor: rows.at(-1)?.recordId ?? null } };
}
