/** Parked deletions: a full pass missed too many records at once, so somebody looks before they are deleted here (rules.md 31). */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import {
  findReviewSummary,
  listParkedPage,
  listReviewSummaries,
  type ParkedRecord,
  type ReviewSummary,
} from '../../db/pull/deletion-reviews';
import { toTypeId } from '../../db/sql/ids';
import { PARKED_MAX } from '../../db/pull/delete-missing';
import { decideDeletionReview } from '../../db/pull/decide-deletion-review';
import { lockDeletionReview } from '../../db/pull/deletion-reviews';
import { HttpError } from '../http/http-error';
import { type Route, type TenantContext, tenantRoute } from '../routing/define-route';
import {
  externalId,
  idParam,
  instant,
  recordTypeName,
  toInstant,
  toInstantOrNull,
  typeId,
} from '../routing/common-schemas';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';
import { requireIntegration } from '../integrations/integration-routes';

const state = z.enum(['pending', 'approved', 'discarded', 'superseded']).meta({
  id: 'DeletionReviewState',
  description:
    '`superseded`: a later full pass knows better; what it missed itself has a review of its own, if it needs one.',
});
const review = z
  .object({
    id: typeId('rev'),
    integration_id: typeId('int'),
    sync_run_id: typeId('run').meta({ description: 'The run that missed them.' }),
    record_type: recordTypeName,
    state,
    records_parked: z.int().meta({ description: 'Records that were gone at the third party.', example: 120 }),
    records_held: z.int().meta({
      description: 'Records of this type that had come from there before the run, those included.',
      example: 800,
    }),
    records_deleted: z
      .int()
      .nullable()
      .meta({ description: 'How many were deleted in the end; null while it is pending.' }),
    decided_by: z.string().nullable(),
    decided_at: instant.nullable(),
    created_at: instant,
  })
  .meta({ id: 'DeletionReview' });
const parkedRecord = z
  .object({ id: typeId('rec'), record_type: recordTypeName, external_id: externalId })
  .meta({ id: 'ParkedRecord' });

const base = '/v1/deletion-reviews';
const params = z.strictObject({ deletion_review_id: idParam('rev', 'deletion_review_not_found') });

export const deletionReviewRoutes: readonly Route[] = [
  tenantRoute({
    method: 'get',
    path: base,
    operationId: 'listDeletionReviews',
    tag: 'Deletion reviews',
    summary: 'List deletion reviews, newest first',
    description:
      'A full pass that misses more than a tenth of the records of a type, and more than 20, deletes none of them: they wait here until somebody approves or discards. An open one is also a notification.',
    query: z.strictObject({
      ...listParams,
      state: state.optional(),
      integration_id: idParam('int', 'integration_not_found').optional(),
    }),
    answers: { 200: { description: 'Reviews, without their records.', schema: listOf(review) } },
    problems: ['invalid_cursor', 'integration_not_found'],
    async run(work, { query }) {
      if (query.integration_id !== undefined) await requireIntegration(work, query.integration_id);
      const scope = ['deletion-reviews', work.tenantId, query.state, query.integration_id];
      const { limit, after } = readPage(query, scope, uuidPosition);
      const rows = await listReviewSummaries(work, {
        state: query.state,
        integrationId: query.integration_id,
        limit: limit + 1,
        before: after,
      });
      return {
        status: 200,
        body: toPage(rows, limit, scope, ({ deletionReviewId }) => deletionReviewId, toWire),
      };
    },
  }),

  tenantRoute({
    method: 'get',
    path: `${base}/{deletion_review_id}`,
    operationId: 'showDeletionReview',
    tag: 'Deletion reviews',
    summary: 'Show a deletion review',
    params,
    answers: { 200: { description: 'The review.', schema: review } },
    problems: ['deletion_review_not_found'],
    async run(work, input) {
      return { status: 200, body: toWire(await requireReview(work, input.params.deletion_review_id)) };
    },
  }),

  tenantRoute({
    method: 'get',
    path: `${base}/{deletion_review_id}/records`,
    operationId: 'listParkedRecords',
    tag: 'Deletion reviews',
    summary: 'List the records that were gone at the third party',
    params,
    query: z.strictObject(listParams),
    answers: { 200: { description: 'Records as they are known here.', schema: listOf(parkedRecord) } },
    problems: ['deletion_review_not_found', 'invalid_cursor'],
    async run(work, input) {
      const { deletionReviewId, recordType } = await requireReview(work, input.params.deletion_review_id);
      const scope = ['parked-records', work.tenantId, deletionReviewId];
      const { limit, after } = readPage(input.query, scope, z.int().min(0).max(PARKED_MAX));
      const rows = await listParkedPage(work, { deletionReviewId, limit: limit + 1, after: after ?? 0 });
      const toItem = ({ recordId, externalId: ours }: ParkedRecord) => ({
        id: toTypeId('rec', recordId),
        record_type: recordType,
        external_id: ours,
      });
      return { status: 200, body: toPage(rows, limit, scope, ({ position }) => position, toItem) };
    },
  }),

  tenantRoute({
    method: 'post',
    path: `${base}/{deletion_review_id}/approve`,
    operationId: 'approveDeletionReview',
    tag: 'Deletion reviews',
    summary: 'Delete the records that were gone at the third party',
    description:
      'They are deleted here, softly: one that comes back there comes back here. One that was linked anew or pushed since is left as it is. Other integrations are told of the deletion as of any other. All of it is one step: hundreds of thousands of records can take longer than an answer may (503), and then the review says how it ended.',
    params,
    answers: {
      200: { description: 'The review as it is now; `records_deleted` says how many.', schema: review },
    },
    problems: ['deletion_review_not_found', 'review_decided'],
    action: 'deletion_review.approved',
    run: (work, input, context) =>
      decide(work, context, { deletionReviewId: input.params.deletion_review_id, decision: 'approved' }),
  }),

  tenantRoute({
    method: 'post',
    path: `${base}/{deletion_review_id}/discard`,
    operationId: 'discardDeletionReview',
    tag: 'Deletion reviews',
    summary: 'Keep the records that were gone at the third party',
    description: 'Nothing is deleted. If the next full pass misses them again, it asks again.',
    params,
    answers: { 200: { description: 'The review as it is now.', schema: review } },
    problems: ['deletion_review_not_found', 'review_decided'],
    action: 'deletion_review.discarded',
    run: (work, input, context) =>
      decide(work, context, { deletionReviewId: input.params.deletion_review_id, decision: 'discarded' }),
  }),
];

async function decide(
  work: TenantWork,
  { caller }: TenantContext,
  { deletionReviewId, decision }: { deletionReviewId: string; decision: 'approved' | 'discarded' },
) {
  const locked = await lockDeletionReview(work, { deletionReviewId });
  if (locked === undefined) throw new HttpError('deletion_review_not_found');
  if (locked.state !== 'pending') {
    const by = locked.decidedBy === null ? '' : ` by ${locked.decidedBy}`;
    const at = locked.decidedAt === null ? '' : ` at ${toInstant(locked.decidedAt)}`;
    throw new HttpError('review_decided', {
      detail: `It was ${locked.state}${by}${at}. A later full pass that misses records again makes a new review.`,
    });
  }
  const deleted = await decideDeletionReview(work, { review: locked, decision, by: caller.actor });
  const body = toWire(await requireReview(work, deletionReviewId));
  const detail = {
    integration_id: body.integration_id,
    record_type: body.record_type,
    records_parked: body.records_parked,
    records_deleted: deleted,
  };
  return { status: 200 as const, body, audit: { target: body.id, detail } };
}

async function requireReview(work: TenantWork, deletionReviewId: string): Promise<ReviewSummary> {
  const found = await findReviewSummary(work, { deletionReviewId });
  if (found === undefined) throw new HttpError('deletion_review_not_found');
  return found;
}

function toWire(found: ReviewSummary): z.output<typeof review> {
  return {
    id: toTypeId('rev', found.deletionReviewId),
    integration_id: toTypeId('int', found.integrationId),
    sync_run_id: toTypeId('run', found.syncRunId),
    record_type: found.recordType,
    state: found.state,
    records_parked: found.recordsParked,
    records_held: found.recordsHeld,
    records_deleted: found.recordsDeleted,
    decided_by: found.decidedBy,
    decided_at: toInstantOrNull(found.decidedAt),
    created_at: toInstant(found.createdAt),
  };
}
