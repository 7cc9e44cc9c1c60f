/** Approving or discarding the deletions of a review (rules.md 31). */
import type { TenantWork } from '../database';
import type { RecordDraft } from '../../domain/records/record-draft';
import { emitRecordEvents } from '../records/record-events';
import {
  type DeletionReview,
  listReviewRecords,
  resolveIfDecided,
  selectStillMissing,
} from './deletion-reviews';
import { softDelete } from './soft-delete';

const RECORDS_PER_STATEMENT = 1_000;

/**
 * Approved: deletes the records that are still linked and were not pushed since. Discarded: changes no
 * record. The caller has locked the review. @returns how many records were deleted.
 */
export async function decideDeletionReview(
  work: TenantWork,
  { review, decision, by }: { review: DeletionReview; decision: 'approved' | 'discarded'; by: string },
): Promise<number> {
  const { trx, tenantId, now } = work;
  const deleted: RecordDraft[] = [];
  if (decision === 'approved') {
    const { integrationId, syncRunId, recordType } = review;
    let after: string | undefined;
    do {
      const chunk = await listReviewRecords(work, review, { limit: RECORDS_PER_STATEMENT, after });
      after = chunk.at(-1)?.recordId;
      const missing = chunk.map(({ recordId }) => recordId);
      const recordIds = await selectStillMissing(work, review, missing, review.createdAt);
      if (recordIds.length > 0)
        deleted.push(...(await softDelete(work, { integrationId, syncRunId, recordType, recordIds })));
    } while (after !== undefined);
  }
  await trx
    .updateTable('deletionReviews')
    .set({ state: decision, decidedBy: by, decidedAt: now, recordsDeleted: deleted.length })
    .where('tenantId', '=', tenantId)
    .where('deletionReviewId', '=', review.deletionReviewId)
    .execute();
  await resolveIfDecided(work, review);
  await emitRecordEvents(work, review, deleted);
  return deleted.length;
}
