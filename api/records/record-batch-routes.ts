/**
 * Up to 500 changes in one request and one transaction. An invalid item gets its own problem and does not
 * affect the others.
 */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { acceptChanges } from '../../db/records/accept-changes';
import { groupBy } from '../../domain/group-by';
import type { RecordChange } from '../../domain/records/record-change';
import { HttpError, type ProblemDetail, toProblem } from '../http/http-error';
import { pointerTo } from '../http/json-guard';
import { toProblemDetails } from '../http/parse';
import { defineRoute, type RouteInput, type Route } from '../routing/define-route';
import type { TenantContext } from '../routing/context';
import { orNull, externalId, recordTypeName } from '../routing/common-schemas';
import {
  acceptedChange,
  changeOfFields,
  checkOccurredAt,
  deletion,
  toWireAccepted,
} from './record-change-schema';
import { problemView } from '../routing/problem';

const CHANGES_MAX = 500;
const BODY_BYTES_MAX = 1_024 * 1_024;
const ITEMS_AT = '/records';

const named = { record_type: recordTypeName, external_id: externalId };
const put = changeOfFields.extend({ operation: z.enum(['put', 'patch']).default('put'), ...named });
const remove = deletion.extend({ operation: z.literal('delete'), ...named });
const item = z.union([put, remove]).meta({ id: 'BatchItem' });

const result = z
  .object({
    index: z.int().meta({ description: 'The index of the change in the request.' }),
    status: z.int().meta({
      description:
        'The status that the change would have had in a request of its own: 202, 200, 400, 404, 409 or 422.',
    }),
    change: orNull(acceptedChange),
    problem: orNull(problemView),
  })
  .meta({ id: 'BatchResult' });
type Result = z.output<typeof result>;

export const recordBatchRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: '/v1/records/batch',
    operationId: 'changeRecords',
    tag: 'Records',
    summary: 'Accept up to 500 changes at once',
    description:
      'All changes are applied in one transaction, in the given order; a record can be changed ' +
      'several times. Check the result of each change: 202 only says that the batch was ' +
      'processed.',
    body: z.strictObject({ records: z.array(z.unknown()).min(1).max(CHANGES_MAX) }),
    bodyForDocument: z.strictObject({ records: z.array(item).min(1).max(CHANGES_MAX) }),
    bodyBytesMax: BODY_BYTES_MAX,
    itemsAt: ITEMS_AT,
    responses: {
      202: {
        description: 'The result of each change.',
        schema: z
          .object({ accepted: z.int(), refused: z.int(), results: z.array(result) })
          .meta({ id: 'BatchAnswer' }),
      },
    },
    action: 'records.changed',
    async run(work, input, context) {
      const results = await acceptBatch(work, input, context);
      const refused = results.filter(({ problem }) => problem !== null).length;
      const audit = { target: null, detail: { accepted: results.length - refused, refused } };
      return { status: 202, body: { accepted: results.length - refused, refused, results }, audit };
    },
  }),
];

async function acceptBatch(
  work: TenantWork,
  { body, itemIssues }: RouteInput<unknown, unknown, { records: unknown[] }>,
  { caller, requestId, services }: TenantContext,
): Promise<Result[]> {
  const { publicUrl } = services.config;
  const issuesOf = groupBy(itemIssues, itemOf);
  const parsed = body.records.map((record, index) =>
    attempt(() => readChange(record, index, issuesOf.get(index), work.now)),
  );
  const changes = parsed.flatMap((change) => (change instanceof HttpError ? [] : [change]));
  const accepted =
    changes.length === 0
      ? []
      : await acceptChanges(work, changes, { actor: caller.actor, requestId }, services.config);
  let next = 0;
  return parsed.map((change, index) => {
    const outcome =
      change instanceof HttpError
        ? change
        : attempt(() => toWireAccepted(accepted[next++] as (typeof accepted)[number]));
    if (outcome instanceof HttpError)
      return {
        index,
        status: outcome.status,
        change: null,
        problem: toProblem(outcome, { publicUrl, requestId }),
      };
    return { index, status: outcome.outcome === 'stale' ? 200 : 202, change: outcome, problem: null };
  });
}

function readChange(
  record: unknown,
  index: number,
  issues: ProblemDetail[] | undefined,
  now: Date,
): RecordChange {
  if (issues !== undefined) throw new HttpError('unacceptable_json', { errors: issues });
  const isDelete = (record as { operation?: unknown } | null)?.operation === 'delete';
  const parsed = isDelete ? remove.safeParse(record) : put.safeParse(record);
  if (!parsed.success)
    throw new HttpError('invalid_body', {
      errors: toProblemDetails(parsed.error, record, (path) => pointerTo(['records', index, ...path])),
    });
  const change = parsed.data;
  checkOccurredAt(change.occurred_at, now, pointerTo(['records', index, 'occurred_at']));
  return {
    recordType: change.record_type,
    externalId: change.external_id,
    kind: change.operation,
    fields: 'fields' in change ? change.fields : {},
    version: change.version,
    occurredAt: change.occurred_at,
  };
}

const itemOf = ({ pointer }: ProblemDetail): number =>
  Number(pointer.slice(ITEMS_AT.length + 1).split('/', 1)[0]);

function attempt<T>(callback: () => T): T | HttpError {
  try {
    return callback();
  } catch (error) {
    if (error instanceof HttpError) return error;
    throw error;
  }
}
