/** Push reviews: pushes above a threshold wait until an admin approves or discards them (rules.md 53). */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { decidePushReview, type PushReviewDecision } from '../../db/push/decide-push-review';
import {
  findPushReview,
  listPushReviewRecords,
  listPushReviews,
  lockPushReview,
  type PushReviewSummary,
  WAITING_COUNTED_MAX,
} from '../../db/push/push-reviews';
import { toTypeId } from '../../db/sql/ids';
import { BRAKED_EFFECTS } from '../../domain/push/braked-effect';
import { HttpError } from '../http/http-error';
import { requireIntegration } from '../integrations/integration-views';
import {
  externalId,
  idParam,
  instant,
  recordTypeName,
  toInstant,
  toInstantOrNull,
  typeId,
} from '../routing/common-schemas';
import type { TenantContext } from '../routing/context';
import { defineRoute, type Route } from '../routing/define-route';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';

const RECORDS_MAX = 1_000;

const state = z.enum(['pending', 'approved', 'discarded', 'superseded']).meta({
  id: 'PushReviewState',
  description:
    '`superseded`: the mappings were edited, and what waited was counted again under the new ones.',
});
const cause = z
  .object({
    kind: z.enum(['mapping', 'linking', 'changes']).meta({
      description:
        '`mapping`: an edit of a mapping or filter. `linking`: existing records after the integration was ' +
        'linked. `changes`: an import or other changes of records.',
    }),
    by: z.array(z.string()).meta({
      description: 'Who caused it: people, API keys, integrations. At most ten.',
      example: ['key:payroll'],
    }),
    mapping_version: z.int().meta({ description: 'The mapping version when the review was created.' }),
  })
  .meta({ id: 'PushReviewCause' });
const review = z
  .object({
    id: typeId('prv'),
    integration_id: typeId('int'),
    record_type: recordTypeName,
    effect: z.enum(BRAKED_EFFECTS).meta({
      id: 'PushReviewEffect',
      description:
        'What the pushes do in the app. `overwrite`: they replace or empty a value that is not empty.',
    }),
    cause,
    state,
    records_waiting: z.int().meta({
      description:
        'The number of records that still wait. After a decision about many records, it falls to 0 ' +
        'while the push queue works through them.',
    }),
    is_lower_bound: z
      .boolean()
      .meta({ description: `True if more records wait: ${WAITING_COUNTED_MAX} of a review are counted.` }),
    records_approved: z.int(),
    records_discarded: z.int(),
    decided_by: z.string().nullable(),
    decided_at: instant.nullable(),
    created_at: instant,
  })
  .meta({ id: 'PushReview' });
const reviewRecord = z
  .object({ id: typeId('rec'), record_type: recordTypeName, external_id: externalId })
  .meta({ id: 'PushReviewRecord' });
const decisionBody = z
  .strictObject({
    record_ids: z.array(idParam('rec', 'record_not_found')).min(1).max(RECORDS_MAX).optional().meta({
      description: 'Only these records; the others still wait. Without it: all.',
    }),
  })
  .meta({ id: 'PushReviewDecision' });

const base = '/v1/push-reviews';
const params = z.strictObject({ push_review_id: idParam('prv', 'push_review_not_found') });

export const pushReviewRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: base,
    operationId: 'listPushReviews',
    tag: 'Push reviews',
    summary: 'List push reviews, newest first',
    description:
      'If more pushes of one effect than the `safety_thresholds` of a record type allow are due, none of ' +
      'them leaves. They wait here until an admin approves or discards them, and the admins are notified.',
    query: z.strictObject({
      ...listParams,
      state: state.optional(),
      integration_id: idParam('int', 'integration_not_found').optional(),
    }),
    responses: { 200: { description: 'Reviews, without their records.', schema: listOf(review) } },
    problems: ['invalid_cursor', 'integration_not_found'],
    async run(work, { query }) {
      if (query.integration_id !== undefined) await requireIntegration(work, query.integration_id);
      const scope = ['push-reviews', work.tenantId, query.state, query.integration_id];
      const { limit, after } = readPage(query, scope, uuidPosition);
      const rows = await listPushReviews(work, {
        state: query.state,
        integrationId: query.integration_id,
        limit: limit + 1,
        before: after,
      });
      return { status: 200, body: toPage(rows, limit, scope, ({ pushReviewId }) => pushReviewId, toWire) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: `${base}/{push_review_id}`,
    operationId: 'showPushReview',
    tag: 'Push reviews',
    summary: 'Show a push review',
    params,
    responses: { 200: { description: 'The review.', schema: review } },
    problems: ['push_review_not_found'],
    async run(work, input) {
      return { status: 200, body: toWire(await requireReview(work, input.params.push_review_id)) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: `${base}/{push_review_id}/records`,
    operationId: 'listPushReviewRecords',
    tag: 'Push reviews',
    summary: 'List the records of a push review',
    params,
    query: z.strictObject(listParams),
    responses: { 200: { description: 'The records that still wait.', schema: listOf(reviewRecord) } },
    problems: ['push_review_not_found', 'invalid_cursor'],
    async run(work, input) {
      const { pushReviewId, recordType } = await requireReview(work, input.params.push_review_id);
      const scope = ['push-review-records', work.tenantId, pushReviewId];
      const { limit, after } = readPage(input.query, scope, uuidPosition);
      const rows = await listPushReviewRecords(work, { pushReviewId, limit: limit + 1, after });
      const body = toPage(
        rows,
        limit,
        scope,
        ({ recordId }) => recordId,
        ({ recordId, externalId: id }) => ({
          id: toTypeId('rec', recordId),
          record_type: recordType,
          external_id: id,
        }),
      );
      return { status: 200, body };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: `${base}/{push_review_id}/approve`,
    operationId: 'approvePushReview',
    tag: 'Push reviews',
    summary: 'Approve a push review, or a part of it',
    description:
      'The pushes leave at once, with the values that the records have then. Approved pushes do not count ' +
      'towards the threshold.',
    params,
    body: decisionBody,
    responses: { 200: { description: 'The review after the decision.', schema: review } },
    problems: ['push_review_not_found', 'record_not_found', 'review_decided'],
    action: 'push_review.approved',
    run: (work, input, context) => decide(work, context, input, 'approved'),
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: `${base}/{push_review_id}/discard`,
    operationId: 'discardPushReview',
    tag: 'Push reviews',
    summary: 'Discard a push review, or a part of it',
    description:
      'Nothing is sent. The app then differs from the records, which `discarded_at` shows until their next ' +
      'successful push. A later change of a record is pushed as usual.',
    params,
    body: decisionBody,
    responses: { 200: { description: 'The review after the decision.', schema: review } },
    problems: ['push_review_not_found', 'record_not_found', 'review_decided'],
    action: 'push_review.discarded',
    run: (work, input, context) => decide(work, context, input, 'discarded'),
  }),
];

async function decide(
  work: TenantWork,
  { caller }: TenantContext,
  {
    params: { push_review_id: pushReviewId },
    body,
  }: {
    params: z.output<typeof params>;
    body: z.output<typeof decisionBody>;
  },
  decision: PushReviewDecision,
) {
  const locked = await lockPushReview(work, { pushReviewId });
  if (locked === undefined) throw new HttpError('push_review_not_found');
  if (locked.state !== 'pending') {
    const by = locked.decidedBy === null ? '' : ` by ${locked.decidedBy}`;
    const at = locked.decidedAt === null ? '' : ` at ${toInstant(locked.decidedAt)}`;
    throw new HttpError('review_decided', { detail: `The review was ${locked.state}${by}${at}.` });
  }
  await decidePushReview(work, {
    review: locked,
    decision,
    recordIds: body.record_ids ?? null,
    by: caller.actor,
  });
  const after = toWire(await requireReview(work, pushReviewId));
  const { id, integration_id, record_type, effect, records_approved, records_discarded } = after;
  const detail = { integration_id, record_type, effect, records_approved, records_discarded };
  return { status: 200 as const, body: after, audit: { target: id, detail } };
}

async function requireReview(work: TenantWork, pushReviewId: string): Promise<PushReviewSummary> {
  const found = await findPushReview(work, { pushReviewId });
  if (found === undefined) throw new HttpError('push_review_not_found');
  return found;
}

const CAUSES: Partial<Record<PushReviewSummary['startedBecause'], 'mapping' | 'linking'>> = {
  mapping_changed: 'mapping',
  initial: 'linking',
};

function toWire(found: PushReviewSummary): z.output<typeof review> {
  return {
    id: toTypeId('prv', found.pushReviewId),
    integration_id: toTypeId('int', found.integrationId),
    record_type: found.recordType,
    effect: found.effect,
    cause: {
      kind: CAUSES[found.startedBecause] ?? 'changes',
      by: found.causedBy,
      mapping_version: found.mappingVersion,
    },
    state: found.state,
    records_waiting: found.recordsWaiting,
    is_lower_bound: found.isLowerBound,
    records_approved: found.recordsApproved,
    records_discarded: found.recordsDiscarded,
    decided_by: found.decidedBy,
    decided_at: toInstantOrNull(found.decidedAt),
    created_at: toInstant(found.createdAt),
  };
}
