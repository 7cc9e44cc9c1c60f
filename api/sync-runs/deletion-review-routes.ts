/**
 * Deletion reviews: deletions above the safety threshold wait until an admin approves or discards them
 * (rules.md 31).
 */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import {
  findReviewSummary,
  listReviewRecords,
  listReviewSummaries,
  type DeletionReviewRecord,
  type ReviewSummary,
} from '../../db/pull/deletion-reviews';
import { toTypeId } from '../../db/sql/ids';
import { requestSyncRun } from '../../db/sync-runs/sync-run-requests';
import { decideDeletionReview } from '../../db/pull/decide-deletion-review';
import { lockDeletionReview } from '../../db/pull/deletion-reviews';
import { HttpError } from '../http/http-error';
import { defineRoute, type Route } from '../routing/define-route';
import type { TenantContext } from '../routing/context';
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
import { requireIntegration } from '../integrations/integration-views';

const state = z.enum(['pending', 'approved', 'discarded', 'superseded']).meta({
  id: 'DeletionReviewState',
  description:
    '`superseded`: replaced by the result of a later full sync, which may have created a new review, or ' +
    'ended because all of its records were listed again.',
});
const review = z
  .object({
    id: typeId('rev'),
    integration_id: typeId('int'),
    sync_run_id: typeId('run').meta({ description: 'The sync run that no longer found the records.' }),
    record_type: recordTypeName,
    state,
    kind: z.enum(['delete', 'empty', 'grow']).meta({
      description:
        '`delete`: records were missing in the app. `empty`: fields that are filled in Syncline were ' +
        'suddenly empty in the app; nothing is emptied until the review is approved. `grow`: the app suddenly ' +
        'has many times its records; the new ones are stored up to the safety threshold, and the list is read ' +
        'again once the review is approved.',
    }),
    fields: z
      .array(z.string())
      .meta({ description: 'Of kind `empty`: the fields above the safety threshold.', example: [] }),
    records_missing: z.int().meta({
      description:
        'The number of records that were missing in the app, without those that it has listed again, or whose ' +
        'fields were empty there. Of kind `grow`: the number of new records that were read.',
      example: 120,
    }),
    records_before: z.int().meta({
      description:
        'The number of records of this type from the app before the run, including the missing ones.',
      example: 800,
    }),
    records_deleted: z
      .int()
      .nullable()
      .meta({
        description:
          'The number of records that were deleted or emptied so far, 0 of kind `grow`; null while the review ' +
          'is pending.',
      }),
    decided_by: z.string().nullable(),
    decided_at: instant.nullable(),
    created_at: instant,
  })
  .meta({ id: 'DeletionReview' });
const reviewRecord = z
  .object({ id: typeId('rec'), record_type: recordTypeName, external_id: externalId })
  .meta({ id: 'DeletionReviewRecord' });

const base = '/v1/deletion-reviews';
const params = z.strictObject({ deletion_review_id: idParam('rev', 'deletion_review_not_found') });

export const deletionReviewRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: base,
    operationId: 'listDeletionReviews',
    tag: 'Deletion reviews',
    summary: 'List deletion reviews, newest first',
    description:
      'If a full sync misses more records of a type than its safety threshold allows ' +
      '(`type_settings` of the integration, by default 10 % and 20 records within seven days), it ' +
      'deletes none of them. The deletions wait here until an admin approves or discards them, and ' +
      'the admins are notified. The same applies to a field that is filled in Syncline and suddenly ' +
      'empty in the app in more records than the safety threshold allows, and to an app that suddenly has ' +
      'many times its records (by default more than ten times as many, and more than 10,000).',
    query: z.strictObject({
      ...listParams,
      state: state.optional(),
      integration_id: idParam('int', 'integration_not_found').optional(),
    }),
    responses: { 200: { description: 'Reviews, without their records.', schema: listOf(review) } },
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

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: `${base}/{deletion_review_id}`,
    operationId: 'showDeletionReview',
    tag: 'Deletion reviews',
    summary: 'Show a deletion review',
    params,
    responses: { 200: { description: 'The review.', schema: review } },
    problems: ['deletion_review_not_found'],
    async run(work, input) {
      return { status: 200, body: toWire(await requireReview(work, input.params.deletion_review_id)) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: `${base}/{deletion_review_id}/records`,
    operationId: 'listDeletionReviewRecords',
    tag: 'Deletion reviews',
    summary: 'List the records of a deletion review',
    params,
    query: z.strictObject(listParams),
    responses: {
      200: { description: 'The records that were missing in the app.', schema: listOf(reviewRecord) },
    },
    problems: ['deletion_review_not_found', 'invalid_cursor'],
    async run(work, input) {
      const found = await requireReview(work, input.params.deletion_review_id);
      const scope = ['deletion-review-records', work.tenantId, found.deletionReviewId];
      const { limit, after } = readPage(input.query, scope, uuidPosition);
      const rows = await listReviewRecords(work, found, { limit: limit + 1, after });
      const toItem = ({ recordId, externalId: id }: DeletionReviewRecord) => ({
        id: toTypeId('rec', recordId),
        record_type: found.recordType,
        external_id: id,
      });
      return { status: 200, body: toPage(rows, limit, scope, ({ recordId }) => recordId, toItem) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: `${base}/{deletion_review_id}/approve`,
    operationId: 'approveDeletionReview',
    tag: 'Deletion reviews',
    summary: 'Approve a deletion review',
    description: [
      'Deletes the records in Syncline. A record that reappears in the app is restored. ' +
        'Records that are listed or linked again, or pushed, before their deletion are kept.',
      'The deletions are pushed to other integrations as usual.',
      'The first records are deleted by the request, the others in the background: `records_deleted` of ' +
        'the review grows until all are deleted.',
    ].join(' '),
    params,
    responses: {
      200: {
        description: 'The approved review; `records_deleted` is the number of records deleted so far.',
        schema: review,
      },
    },
    problems: ['deletion_review_not_found', 'review_decided'],
    action: 'deletion_review.approved',
    run: (work, input, context) =>
      decide(work, context, { deletionReviewId: input.params.deletion_review_id, decision: 'approved' }),
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: `${base}/{deletion_review_id}/discard`,
    operationId: 'discardDeletionReview',
    tag: 'Deletion reviews',
    summary: 'Discard a deletion review',
    description:
      'Nothing is deleted. If the next full sync misses the records again, it creates a new review.',
    params,
    responses: { 200: { description: 'The discarded review.', schema: review } },
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
      detail:
        `The review was ${locked.state}${by}${at}. If a later full sync misses the records ` +
        'again, it creates a new review.',
    });
  }
  const deleted = await decideDeletionReview(work, { review: locked, decision, by: caller.actor });
  const { integrationId, kind, recordType } = locked;
  // The new records are stored nowhere, so a later run than the one that held them back reads the list again.
  if (kind === 'grow' && decision === 'approved')
    await requestSyncRun(work, {
      integrationId,
      kind: 'full',
      recordTypes: [recordType],
      startedBy: caller.actor,
      mustFollow: true,
      isAwaited: true,
    });
  const body = toWire(await requireReview(work, deletionReviewId));
  const detail = {
    integration_id: body.integration_id,
    record_type: body.record_type,
    records_missing: body.records_missing,
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
    kind: found.kind,
    fields: found.fields,
    records_missing: found.recordsMissing,
    records_before: found.recordsBefore,
    records_deleted: found.recordsDeleted,
    decided_by: found.decidedBy,
    decided_at: toInstantOrNull(found.decidedAt),
    created_at: toInstant(found.createdAt),
  };
}
