/**
 * Deletions that wait for approval (rules.md 31). The records are those that the pass missed.
 */
import { type Selectable, sql } from 'kysely';
import type { TenantWork } from '../database';
import { notifyAdmins, resolveNotification } from '../notifications/notifications';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { FIRST_ID, newUuid } from '../sql/ids';
import type { DeletionReviewsTable } from '../tables/pull';
import type { PassKey } from './page';

export type DeletionReview = Selectable<DeletionReviewsTable>;
export type ReviewSummary = Omit<DeletionReview, 'tenantId' | 'recordIds'>;

function selectReviews({ trx, tenantId }: TenantWork) {
  return trx
    .selectFrom('deletionReviews')
    .select([
      'deletionReviewId',
      'integrationId',
      'syncRunId',
      'recordType',
      'kind',
      'fields',
      'recordsMissing',
      'recordsBefore',
      'state',
      'recordsDeleted',
      'decidedBy',
      'decidedAt',
      'createdAt',
    ])
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

export interface NewReview {
  kind: DeletionReview['kind'];
  /** Of kind `empty`: the fields above the threshold. */
  fields: string[];
  recordsMissing: number;
  recordsBefore: number;
  /** For the admins' notification. */
  detail: string;
}

/** Parks what a pass would change, and notifies the admins. */
export async function createReview(
  work: TenantWork,
  { integrationId, syncRunId, recordType }: PassKey,
  { detail, ...review }: NewReview,
): Promise<void> {
  await work.trx
    .insertInto('deletionReviews')
    .values({
      ...review,
      tenantId: work.tenantId,
      deletionReviewId: newUuid(),
      integrationId,
      syncRunId,
      recordType,
      state: 'pending',
      recordsDeleted: null,
      decidedBy: null,
      decidedAt: null,
      createdAt: work.now,
    })
    .execute();
  await notifyAdmins(work, { integrationId, kind: 'deletions_need_review', syncRunId, detail });
}

/** The number of deletions of a job that wait for approval. */
export async function countDeletionsInReview(
  { trx, tenantId }: TenantWork,
  { syncRunId, recordType }: { syncRunId: string; recordType: string },
): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select coalesce(sum(records_missing), 0)::bigint as count from deletion_reviews
    where tenant_id = ${tenantId} and sync_run_id = ${syncRunId} and record_type = ${recordType} and state = 'pending'
      and kind = 'delete'`.execute(trx);
  return rows[0]?.count ?? 0;
}

/** Whether a review of the record type and kind waits for a person. */
export async function hasPendingReview(
  { trx, tenantId }: TenantWork,
  { integrationId, recordType, kind }: Pick<DeletionReview, 'integrationId' | 'recordType' | 'kind'>,
): Promise<boolean> {
  const pending = await trx
    .selectFrom('deletionReviews')
    .select('deletionReviewId')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('recordType', '=', recordType)
    .where('kind', '=', kind)
    .where('state', '=', 'pending')
    .limit(1)
    .executeTakeFirst();
  return pending !== undefined;
}

/** Withdraws the pending reviews of one record type and kind, or of all if none is given. */
export async function supersedeReviews(
  { trx, tenantId, now }: TenantWork,
  {
    integrationId,
    recordType,
    kind,
  }: { integrationId: string; recordType?: string; kind?: DeletionReview['kind'] },
): Promise<void> {
  let query = trx
    .updateTable('deletionReviews')
    .set({ state: 'superseded', decidedAt: now })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('state', '=', 'pending');
  if (recordType !== undefined) query = query.where('recordType', '=', recordType);
  if (kind !== undefined) query = query.where('kind', '=', kind);
  await query.execute();
}

export interface DeletionReviewRecord {
  recordId: string;
  externalId: string;
}

type ReviewKey = Pick<DeletionReview, 'integrationId' | 'syncRunId' | 'recordType' | 'kind' | 'fields'>;

function idsOf(tenantId: string, { kind, ...review }: ReviewKey) {
  const { integrationId, syncRunId, recordType, fields } = review;
  return kind !== 'empty'
    ? sql`
        select record_id from missing_records
        where tenant_id = ${tenantId} and sync_run_id = ${syncRunId} and record_type = ${recordType}
          and ${kind} = 'delete'`
    : sql`
        select record_id from emptied_records
        where tenant_id = ${tenantId} and integration_id = ${integrationId} and record_type = ${recordType}
          and remote is not null and fields && ${fields}::text[]`;
}

/** By record id, after `after`. The cost depends on `limit`, not on the size of the review. */
export async function listReviewRecords(
  { trx, tenantId }: TenantWork,
  review: ReviewKey,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<DeletionReviewRecord[]> {
  const { rows } = await sql<DeletionReviewRecord>`
    select record.record_id, record.external_id
    from (
      ${idsOf(tenantId, review)} and record_id > ${after ?? FIRST_ID}
      order by record_id limit ${limit}) missing
    cross join lateral (
      select record_id, external_id from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = missing.record_id limit 1) record
    order by missing.record_id`.execute(trx);
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
