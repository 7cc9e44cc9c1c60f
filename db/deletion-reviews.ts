/** Parked deletions as people look through them (rules.md 31): without the ids of the records, which may be very many. Deciding is `sync-deletions.ts`. */
import { sql } from 'kysely';
import type { TenantWork } from './database';
import type { DeletionReview } from './sync-deletions';

export type ReviewSummary = Omit<DeletionReview, 'tenantId' | 'recordIds'> & { recordsParked: number };

function selectReviews({ trx, tenantId }: TenantWork) {
  return trx
    .selectFrom('deletionReviews')
    .select(['deletionReviewId', 'integrationId', 'syncRunId', 'recordType', 'recordsHeld', 'state', 'recordsDeleted', 'decidedBy', 'decidedAt', 'createdAt'])
    .select(sql<number>`cardinality(record_ids)`.as('recordsParked'))
    .where('tenantId', '=', tenantId);
}

/** Newest first, before `before` (a review's id). */
export async function listReviewSummaries(
  work: TenantWork,
  {
    integrationId,
    state,
    limit,
    before,
  }: { integrationId?: string | undefined; state?: DeletionReview['state'] | undefined; limit: number; before?: string | undefined },
): Promise<ReviewSummary[]> {
  let query = selectReviews(work);
  if (integrationId !== undefined) query = query.where('integrationId', '=', integrationId);
  if (state !== undefined) query = query.where('state', '=', state);
  if (before !== undefined) query = query.where('deletionReviewId', '<', before);
  return query.orderBy('deletionReviewId', 'desc').limit(limit).execute();
}

export async function findReviewSummary(work: TenantWork, { deletionReviewId }: { deletionReviewId: string }): Promise<ReviewSummary | undefined> {
  return selectReviews(work).where('deletionReviewId', '=', deletionReviewId).executeTakeFirst();
}
