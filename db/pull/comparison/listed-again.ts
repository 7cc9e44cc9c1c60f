/** Records that are listed again leave the reviews that would delete them (rules.md 31). */
import { sql } from 'kysely';
import type { TenantWork } from '../../database';
import { idList, opaqueToPlanner } from '../../sql/bulk-rows';
import { FIRST_ID } from '../../sql/ids';
import { type DeletionReview, lockDeletionReview, resolveIfDecided } from '../deletion-reviews';
import type { PassKey } from '../page';
import { findLinked } from '../page-stages/find-linked';

/** A review that may still delete records. */
interface OpenReview extends Pick<
  DeletionReview,
  'deletionReviewId' | 'syncRunId' | 'state' | 'recordsMissing'
> {
  /** Of an approved one: the last record that was handled. */
  handledTo: string | null;
}

type Dataset = Omit<PassKey, 'syncRunId'>;

/** The one that waits for a person, and approved ones that are being carried out. */
async function selectOpenReviews(
  { trx, tenantId }: TenantWork,
  { integrationId, recordType }: Dataset,
): Promise<OpenReview[]> {
  const columns = sql.raw('deletion_review_id, sync_run_id, state, records_missing');
  const { rows } = await sql<OpenReview>`
    select ${columns}, null::uuid as handled_to from deletion_reviews
    where tenant_id = ${tenantId} and integration_id = ${integrationId} and record_type = ${recordType}
      and kind = 'delete' and state = 'pending'
    union all
    select review.*, task.cursor::uuid from background_tasks task
    cross join lateral (
      select ${columns} from deletion_reviews
      where tenant_id = ${opaqueToPlanner(tenantId)} and deletion_review_id = task.subject_id
        and record_type = ${recordType} and kind = 'delete' and state = 'approved' limit 1) review
    where task.tenant_id = ${tenantId} and task.integration_id = ${integrationId}
      and task.kind = 'decide_deletion_review' and task.finished_at is null
    order by deletion_review_id`.execute(trx);
  return rows;
}

export async function hasOpenReview(work: TenantWork, dataset: Dataset): Promise<boolean> {
  return (await selectOpenReviews(work, dataset)).length > 0;
}

/**
 * In a transaction of its own before the page is applied: also a page that cannot be applied has listed its
 * records. The lock of the review keeps this apart from deletions. One before it has removed the link, so the
 * page restores the record; one after it does not find the record in the review.
 */
export async function releaseListed(
  work: TenantWork,
  dataset: Dataset,
  remoteIds: readonly string[],
): Promise<void> {
  const { linked } = await findLinked(
    work,
    dataset,
    remoteIds.map((remoteId) => ({ remoteId, hash: null })),
  );
  const recordIds = [...linked.values()].map(({ recordId }) => recordId);
  if (recordIds.length === 0) return;
  for (const { deletionReviewId } of await selectOpenReviews(work, dataset)) {
    await lockDeletionReview(work, { deletionReviewId });
    // Before the lock was granted, it may have been decided, and records deleted.
    const open = await selectOpenReviews(work, dataset);
    const review = open.find((one) => one.deletionReviewId === deletionReviewId);
    if (review !== undefined) await releaseFrom(work, dataset, review, recordIds);
  }
}

/** A review that waits ends with its last record. The caller has locked it. */
async function releaseFrom(
  work: TenantWork,
  { integrationId, recordType }: Dataset,
  { deletionReviewId, syncRunId, state, handledTo, ...review }: OpenReview,
  recordIds: readonly string[],
): Promise<void> {
  const { trx, tenantId, now } = work;
  const { numAffectedRows = 0n } = await sql`
    delete from missing_records
    where tenant_id = ${tenantId} and sync_run_id = ${syncRunId} and record_type = ${recordType}
      and record_id = any(${idList(recordIds)}) and record_id > ${handledTo ?? FIRST_ID}::uuid`.execute(trx);
  if (numAffectedRows === 0n) return;
  const recordsMissing = review.recordsMissing - Number(numAffectedRows);
  const ends = state === 'pending' && recordsMissing <= 0;
  await trx
    .updateTable('deletionReviews')
    .set({ recordsMissing, ...(ends && { state: 'superseded', decidedAt: now }) })
    .where('tenantId', '=', tenantId)
    .where('deletionReviewId', '=', deletionReviewId)
    .execute();
  if (ends) await resolveIfDecided(work, { integrationId });
}
