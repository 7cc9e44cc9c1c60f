/** Approving or discarding the deletions of a review (rules.md 31). */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import type { RecordDraft } from '../../domain/records/record-draft';
import { emitRecordEvents } from '../records/record-events';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { type DeletionReview, resolveIfDecided } from './deletion-reviews';
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
    const recordIds = await findStillLinked(work, review);
    for (let from = 0; from < recordIds.length; from += RECORDS_PER_STATEMENT) {
      const chunk = recordIds.slice(from, from + RECORDS_PER_STATEMENT);
      deleted.push(...(await softDelete(work, { integrationId, syncRunId, recordType, recordIds: chunk })));
    }
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

async function findStillLinked(
  { trx, tenantId }: TenantWork,
  { integrationId, recordIds, createdAt }: DeletionReview,
): Promise<string[]> {
  const { rows } = await sql<{ recordId: string }>`
    select link.record_id from unnest(${recordIds}::uuid[]) as missing(record_id)
    cross join lateral (
      select record_id from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = missing.record_id and updated_at < ${createdAt}) link
    order by link.record_id`.execute(trx);
  return rows.map(({ recordId }) => recordId);
}
