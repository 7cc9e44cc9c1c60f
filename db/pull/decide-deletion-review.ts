/** Approving or discarding the deletions of a review (rules.md 31). */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import type { RecordDraft } from '../../domain/records/record-draft';
import { emitRecordEvents } from '../records/record-events';
import { applyEmptied } from './apply-emptied';
import {
  type DeletionReview,
  listReviewRecords,
  resolveIfDecided,
  selectStillMissing,
} from './deletion-reviews';
import { softDelete } from './soft-delete';

const RECORDS_PER_STATEMENT = 1_000;

/**
 * Approved: deletes the records that are still linked and were not pushed since, or empties their fields. New
 * records are stored by the next run. Discarded: changes no record. The caller has locked the review.
 * @returns how many records were deleted or emptied.
 */
export async function decideDeletionReview(
  work: TenantWork,
  { review, decision, by }: { review: DeletionReview; decision: 'approved' | 'discarded'; by: string },
): Promise<number> {
  const { trx, tenantId, now } = work;
  const isApproved = decision === 'approved';
  const deleted = isApproved && review.kind === 'delete' ? await deleteReviewed(work, review) : [];
  const emptied = isApproved && review.kind === 'empty' ? await emptyReviewed(work, review) : 0;
  if (!isApproved && review.kind === 'empty') await discardEmptied(work, review);
  const count = deleted.length + emptied;
  await trx
    .updateTable('deletionReviews')
    .set({ state: decision, decidedBy: by, decidedAt: now, recordsDeleted: count })
    .where('tenantId', '=', tenantId)
    .where('deletionReviewId', '=', review.deletionReviewId)
    .execute();
  await resolveIfDecided(work, review);
  await emitRecordEvents(work, review, deleted);
  return count;
}

async function deleteReviewed(work: TenantWork, review: DeletionReview): Promise<RecordDraft[]> {
  const { integrationId, syncRunId, recordType } = review;
  const deleted: RecordDraft[] = [];
  let after: string | undefined;
  do {
    const chunk = await listReviewRecords(work, review, { limit: RECORDS_PER_STATEMENT, after });
    after = chunk.at(-1)?.recordId;
    const missing = chunk.map(({ recordId }) => recordId);
    const recordIds = await selectStillMissing(work, review, missing, review.createdAt);
    if (recordIds.length > 0)
      deleted.push(...(await softDelete(work, { integrationId, syncRunId, recordType, recordIds })));
  } while (after !== undefined);
  return deleted;
}

async function emptyReviewed(work: TenantWork, review: DeletionReview): Promise<number> {
  const emptied = { limit: RECORDS_PER_STATEMENT, only: review.fields, isApproved: true };
  let count = 0;
  for (;;) {
    const applied = await applyEmptied(work, review, emptied);
    count += applied;
    if (applied < RECORDS_PER_STATEMENT) return count;
  }
}

/** The next full pass finds them again. */
async function discardEmptied(
  { trx, tenantId }: TenantWork,
  { integrationId, recordType, fields }: DeletionReview,
): Promise<void> {
  await sql`
    delete from emptied_records
    where tenant_id = ${tenantId} and integration_id = ${integrationId} and record_type = ${recordType}
      and remote is not null and fields && ${fields}::text[]`.execute(trx);
}
