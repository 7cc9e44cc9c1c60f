/**
 * Deletions that wait for approval (rules.md 31). Lists leave out the record ids, which may be a million.
 */
import { type Selectable, sql } from 'kysely';
import type { TenantWork } from '../database';
import { resolveNotification } from '../notifications/notifications';
import { opaqueToPlanner } from '../sql/bulk-rows';
import type { DeletionReviewsTable } from '../tables/pull';

export type DeletionReview = Selectable<DeletionReviewsTable>;
export type ReviewSummary = Omit<DeletionReview, 'tenantId' | 'recordIds'> & { recordsMissing: number };

function selectReviews({ trx, tenantId }: TenantWork) {
  return trx
    .selectFrom('deletionReviews')
    .select([
      'deletionReviewId',
      'integrationId',
      'syncRunId',
      'recordType',
      'recordsBefore',
      'state',
      'recordsDeleted',
      'decidedBy',
      'decidedAt',
      'createdAt',
    ])
    .select(sql<number>`cardinality(record_ids)`.as('recordsMissing'))
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
  }: {
    integrationId?: string | undefined;
    state?: DeletionReview['state'] | undefined;
    limit: number;
    before?: string | undefined;
  },
): Promise<ReviewSummary[]> {
  let query = selectReviews(work);
  if (integrationId !== undefined) query = query.where('integrationId', '=', integrationId);
  if (state !== undefined) query = query.where('state', '=', state);
  if (before !== undefined) query = query.where('deletionReviewId', '<', before);
  return query.orderBy('deletionReviewId', 'desc').limit(limit).execute();
}

export async function findReviewSummary(
  work: TenantWork,
  { deletionReviewId }: { deletionReviewId: string },
): Promise<ReviewSummary | undefined> {
  return selectReviews(work).where('deletionReviewId', '=', deletionReviewId).executeTakeFirst();
}

/** Locked until the end of the transaction. */
export async function lockDeletionReview(
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

/** The number of deletions of a job that wait for approval. */
export async function countDeletionsInReview(
  { trx, tenantId }: TenantWork,
  { syncRunId, recordType }: { syncRunId: string; recordType: string },
): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select coalesce(sum(cardinality(record_ids)), 0)::int as count from deletion_reviews
    where tenant_id = ${tenantId} and sync_run_id = ${syncRunId} and record_type = ${recordType} and state = 'pending'`.execute(
    trx,
  );
  return rows[0]?.count ?? 0;
}

/** Withdraws the pending reviews of one record type, or of all types if none is given. */
export async function supersedeReviews(
  { trx, tenantId, now }: TenantWork,
  { integrationId, recordType }: { integrationId: string; recordType?: string },
): Promise<void> {
  let query = trx
    .updateTable('deletionReviews')
    .set({ state: 'superseded', decidedAt: now })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('state', '=', 'pending');
  if (recordType !== undefined) query = query.where('recordType', '=', recordType);
  await query.execute();
}

export interface DeletionReviewRecord {
  recordId: string;
  externalId: string;
  /** Position in the review's list, from 1. */
  position: number;
}

/**
 * In the order of the list, after the first `after`. The cost depends on `limit`, not on the
 * size of the review.
 */
export async function listReviewRecords(
  { trx, tenantId }: TenantWork,
  { deletionReviewId, limit, after }: { deletionReviewId: string; limit: number; after: number },
): Promise<DeletionReviewRecord[]> {
  const { rows } = await sql<DeletionReviewRecord>`
    select record.record_id, record.external_id, ${after}::integer + missing.position as position
    from deletion_reviews review
    cross join lateral unnest(review.record_ids[${after}::integer + 1 : ${after}::integer + ${limit}::integer])
      with ordinality as missing(record_id, position)
    cross join lateral (
      select record_id, external_id from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = missing.record_id limit 1) record
    where review.tenant_id = ${tenantId} and review.deletion_review_id = ${deletionReviewId}
    order by missing.position`.execute(trx);
  return rows;
}

/** Resolves the admins' notification once no review of the integration is pending. */
export async function resolveIfDecided(
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
