/**
 * Approving or discarding pushes that wait (rules.md 53). A review is decided at once; its record syncs
 * follow in chunks: the first in the same request, the others in the push queue.
 */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { appendStreamEvent } from '../platform/change-feed';
import { enqueuePush } from '../platform/outbox';
import { idList, opaqueToPlanner, rowsFrom } from '../sql/bulk-rows';
import { newUuid } from '../sql/ids';
import { listPushReviewRecords, type PushReview, resolveIfDecided } from './push-reviews';

/** Records that one request releases or discards; the push queue continues with the others. */
const RECORDS_PER_REQUEST = 1_000;

export type PushReviewDecision = 'approved' | 'discarded';

/**
 * Approves or discards the waiting pushes of a review that the caller has locked: all, or those of
 * `recordIds`. After a decision about a part the others still wait. @returns the number of records decided
 * in this request.
 */
export async function decidePushReview(
  work: TenantWork,
  {
    review,
    decision,
    recordIds,
    by,
  }: { review: PushReview; decision: PushReviewDecision; recordIds: readonly string[] | null; by: string },
): Promise<number> {
  const { now } = work;
  const { integrationId, pushReviewId } = review;
  const options = { decision, by, limit: RECORDS_PER_REQUEST };
  const decided =
    recordIds === null
      ? await decideRecords(work, review, options)
      : await decideRecords(work, review, { ...options, recordIds });
  const [left] = await listPushReviewRecords(work, { pushReviewId, limit: 1, after: undefined });
  if (recordIds === null || left === undefined)
    await work.trx
      .updateTable('pushReviews')
      .set({ state: decision, decidedBy: by, decidedAt: now, finishedAt: left === undefined ? now : null })
      .where('tenantId', '=', work.tenantId)
      .where('pushReviewId', '=', pushReviewId)
      .execute();
  await resolveIfDecided(work, { integrationId });
  await enqueuePush(work, { integrationId, nextDueAt: now });
  return decided;
}

/** Continues with decided reviews. @returns false if none is left. */
export async function finishPushReviews(
  work: TenantWork,
  { integrationId, limit }: { integrationId: string; limit: number },
): Promise<boolean> {
  const { trx, tenantId, now } = work;
  const review = await trx
    .selectFrom('pushReviews')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('finishedAt', 'is', null)
    .where('state', '<>', 'pending')
    .orderBy('pushReviewId')
    .limit(1)
    .forUpdate()
    .executeTakeFirst();
  if (review === undefined) return false;
  const decided = await decideRecords(work, review, {
    decision: review.state === 'pending' ? 'superseded' : review.state,
    by: review.decidedBy ?? 'syncline',
    limit,
  });
  if (decided < limit)
    await trx
      .updateTable('pushReviews')
      .set({ finishedAt: now })
      .where('tenantId', '=', tenantId)
      .where('pushReviewId', '=', review.pushReviewId)
      .execute();
  return true;
}

async function decideRecords(
  work: TenantWork,
  review: PushReview,
  {
    decision,
    by,
    limit,
    recordIds,
  }: {
    decision: PushReviewDecision | 'superseded';
    by: string;
    limit: number;
    recordIds?: readonly string[];
  },
): Promise<number> {
  const { trx, tenantId } = work;
  const { rows } = await sql<{ recordId: string }>`
    select record_id from record_syncs
    where tenant_id = ${opaqueToPlanner(tenantId)}
      and push_review_id = ${opaqueToPlanner(review.pushReviewId)}
      ${recordIds === undefined ? sql`` : sql`and record_id = any(${idList(recordIds)})`}
    order by record_id limit ${limit} for update`.execute(trx);
  if (rows.length === 0) return 0;
  const ids = rows.map(({ recordId }) => recordId);
  if (decision === 'discarded') await discardWindows(work, review, ids, by);
  else await releaseWindows(work, review, ids, { isApproved: decision === 'approved' });
  const counter = decision === 'approved' ? 'recordsApproved' : 'recordsDiscarded';
  if (decision !== 'superseded')
    await trx
      .updateTable('pushReviews')
      .set((eb) => ({ [counter]: eb(counter, '+', ids.length) }))
      .where('tenantId', '=', tenantId)
      .where('pushReviewId', '=', review.pushReviewId)
      .execute();
  await appendStreamEvent(work, {
    topic: 'record_syncs',
    body: { integration_ids: [review.integrationId], count: ids.length },
  });
  return ids.length;
}

const recordSyncsOf = ({ tenantId }: TenantWork, { integrationId }: PushReview, ids: readonly string[]) =>
  sql`tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
    and record_id = any(${idList(ids)})`;

/** An approved push has no effect any more that a brake counts, and is due. */
async function releaseWindows(
  work: TenantWork,
  review: PushReview,
  ids: readonly string[],
  { isApproved }: { isApproved: boolean },
): Promise<void> {
  const approval = sql`, window_effect = null, due_at = least(due_at, ${work.now}::timestamptz)`;
  await sql`
    update record_syncs set held_at = null, held_by = null, push_review_id = null
      ${isApproved ? approval : sql``}
    where ${recordSyncsOf(work, review, ids)}`.execute(work.trx);
}

/** As `discard` of one record sync (record-sync-actions.ts). */
async function discardWindows(
  work: TenantWork,
  review: PushReview,
  ids: readonly string[],
  by: string,
): Promise<void> {
  const { trx, tenantId, now } = work;
  const rows = ids.map((recordId) => ({ record_id: recordId, new_push_id: newUuid() }));
  await sql`
    update pushes set result = 'discarded', finished_at = ${now}
    from record_syncs record_sync
    where record_sync.tenant_id = ${opaqueToPlanner(tenantId)}
      and record_sync.integration_id = ${opaqueToPlanner(review.integrationId)}
      and record_sync.record_id = any(${idList(ids)}) and record_sync.lease_until is null
      and pushes.tenant_id = record_sync.tenant_id and pushes.push_id = record_sync.push_id`.execute(trx);
  await sql`
    insert into pushes (
      tenant_id, push_id, integration_id, record_id, record_version, mapping_version, operation,
      started_because, changed_fields, changed_by, result, attempts, started_at, finished_at)
    select ${tenantId}::uuid, row.new_push_id, record_sync.integration_id, record_sync.record_id,
      record_sync.relevant_version, ${review.mappingVersion}::int,
      case when record_sync.window_effect in ('deactivate', 'delete') then record_sync.window_effect
        else 'upsert' end,
      coalesce(record_sync.window_reason, 'quiet'), record_sync.window_fields,
      array(select distinct unnest(array_append(record_sync.window_changed_by, ${by}::text))),
      'discarded', 0, ${now}::timestamptz, ${now}::timestamptz
    from ${rowsFrom(rows, 'record_id uuid, new_push_id uuid')}
    cross join lateral (
      select * from record_syncs
      where tenant_id = ${opaqueToPlanner(tenantId)}
        and integration_id = ${opaqueToPlanner(review.integrationId)}
        and record_id = row.record_id limit 1) record_sync`.execute(trx);
  const isWaitingPush = sql`lease_until is null and push_id is not null`;
  await sql`
    update record_syncs set window_opened_at = null, due_at = null, window_reason = null,
      window_fields = '{}', window_changed_by = '{}', is_backfill = false, held_at = null, held_by = null,
      window_effect = null, push_review_id = null,
      discarded_at = ${now}::timestamptz, discarded_by = ${by},
      -- The outcome of such a push is unknown, so the next change is pushed whatever it contains.
      result_hash = case when ${isWaitingPush} then null else result_hash end,
      push_version = case when lease_until is null then null else push_version end,
      push_hash = case when lease_until is null then null else push_hash end,
      push_refusals = case when lease_until is null then 0 else push_refusals end,
      is_push_failing = is_push_failing and lease_until is not null,
      next_attempt_at = case when lease_until is null then null else next_attempt_at end,
      give_up_at = case when lease_until is null then null else give_up_at end,
      push_id = case when lease_until is null then null else push_id end
    where ${recordSyncsOf(work, review, ids)}`.execute(trx);
}
