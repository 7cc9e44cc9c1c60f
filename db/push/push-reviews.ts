/** Push reviews: pushes that wait for approval (rules.md 53). */
import { type Selectable, sql } from 'kysely';
import type { TenantWork } from '../database';
import { resolveNotification } from '../notifications/notifications';
import { opaqueToPlanner } from '../sql/bulk-rows';
import type { PushReviewsTable } from '../tables/records';

export type PushReview = Selectable<PushReviewsTable>;
export interface PushReviewSummary extends PushReview {
  /** The records that still wait, counted up to `WAITING_COUNTED_MAX`. */
  recordsWaiting: number;
  isLowerBound: boolean;
}

export const WAITING_COUNTED_MAX = 10_000;

function selectReviews({ trx, tenantId }: TenantWork) {
  return trx
    .selectFrom('pushReviews')
    .selectAll()
    .select(
      sql<number>`(select count(*) from (
        select from record_syncs where record_syncs.tenant_id = push_reviews.tenant_id
          and record_syncs.push_review_id = push_reviews.push_review_id
        limit ${WAITING_COUNTED_MAX + 1}) waiting)::int`.as('recordsFound'),
    )
    .where('tenantId', '=', tenantId);
}

const toSummary = ({
  recordsFound,
  ...review
}: PushReview & { recordsFound: number }): PushReviewSummary => ({
  ...review,
  recordsWaiting: Math.min(recordsFound, WAITING_COUNTED_MAX),
  isLowerBound: recordsFound > WAITING_COUNTED_MAX,
});

/** Newest first, before `before` (a review's id). */
export async function listPushReviews(
  work: TenantWork,
  {
    integrationId,
    state,
    limit,
    before,
  }: {
    integrationId?: string | undefined;
    state?: PushReview['state'] | undefined;
    limit: number;
    before?: string | undefined;
  },
): Promise<PushReviewSummary[]> {
  let query = selectReviews(work);
  if (integrationId !== undefined) query = query.where('integrationId', '=', integrationId);
  if (state !== undefined) query = query.where('state', '=', state);
  if (before !== undefined) query = query.where('pushReviewId', '<', before);
  const rows = await query.orderBy('pushReviewId', 'desc').limit(limit).execute();
  return rows.map(toSummary);
}

export async function findPushReview(
  work: TenantWork,
  { pushReviewId }: { pushReviewId: string },
): Promise<PushReviewSummary | undefined> {
  const row = await selectReviews(work).where('pushReviewId', '=', pushReviewId).executeTakeFirst();
  return row && toSummary(row);
}

/** Locked until the end of the transaction. */
export async function lockPushReview(
  { trx, tenantId }: TenantWork,
  { pushReviewId }: { pushReviewId: string },
): Promise<PushReview | undefined> {
  return trx
    .selectFrom('pushReviews')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('pushReviewId', '=', pushReviewId)
    .forUpdate()
    .executeTakeFirst();
}

export interface PushReviewRecord {
  recordId: string;
  externalId: string;
}

/** The records that still wait, by id. */
export async function listPushReviewRecords(
  { trx, tenantId }: TenantWork,
  { pushReviewId, limit, after }: { pushReviewId: string; limit: number; after: string | undefined },
): Promise<PushReviewRecord[]> {
  const { rows } = await sql<PushReviewRecord>`
    select record.record_id, record.external_id
    from (
      select record_id from record_syncs
      where tenant_id = ${opaqueToPlanner(tenantId)} and push_review_id = ${opaqueToPlanner(pushReviewId)}
        and (${after ?? null}::uuid is null or record_id > ${after ?? null}::uuid)
      order by record_id limit ${limit}) waiting
    cross join lateral (
      select record_id, external_id from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = waiting.record_id limit 1) record
    order by record.record_id`.execute(trx);
  return rows;
}

/**
 * A new mapping decides again about what waits, once its backfill has counted it. `isFinished`: nothing waits
 * any more.
 */
export async function supersedePushReviews(
  work: TenantWork,
  { integrationId, isFinished = false }: { integrationId: string; isFinished?: boolean },
): Promise<void> {
  await work.trx
    .updateTable('pushReviews')
    .set({ state: 'superseded', ...(isFinished ? { finishedAt: work.now } : {}) })
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', integrationId)
    .where('state', '=', 'pending')
    .execute();
  await resolveIfDecided(work, { integrationId });
}

/** Resolves the admins' notification once no review of the integration is pending. */
export async function resolveIfDecided(
  work: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<void> {
  const pending = await work.trx
    .selectFrom('pushReviews')
    .select('pushReviewId')
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', integrationId)
    .where('state', '=', 'pending')
    .limit(1)
    .executeTakeFirst();
  if (pending === undefined)
    await resolveNotification(work, { integrationId, kind: 'pushes_need_review', now: work.now });
}
