/** What was changed at third parties after it was pushed (rules.md 54). */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { findRecordIds } from '../../db/records/records';
import { toTypeId } from '../../db/sql/ids';
import { decideDrifts, DRIFT_DECISIONS } from '../../db/verify/decide-drifts';
import { DRIFTS_EXAMINED_MAX, findRecordBefore, listDrifts } from '../../db/verify/list-drifts';
import { requireIntegration } from '../integrations/integration-views';
import { externalId, idParam, recordTypeName } from '../routing/common-schemas';
import type { TenantContext } from '../routing/context';
import { defineRoute, type Route } from '../routing/define-route';
import { listOf, listParams, readPage, toPage, uuidPosition, writeCursor } from '../routing/pagination';
import { driftView, toWireDrift } from './drift-schema';

const tag = 'Drifts';
const position = z.object({
  integrationId: z.uuid(),
  recordId: z.uuid(),
  place: z.string().refine((place) => !place.includes('\0'), 'PostgreSQL has no NUL in a text'),
});
/** The most records that one request decides. */
const DECIDED_MAX = 200;

const decideBody = z.strictObject({
  integration_id: idParam('int', 'integration_not_found'),
  record_type: recordTypeName,
  decision: z.enum(DRIFT_DECISIONS).meta({
    description: [
      '- `repair`: the record is pushed again; a missing one is created again.',
      "- `accept`: the app's values are taken over; a missing record stays in Syncline and is no longer linked.",
    ].join('\n'),
  }),
  external_ids: z
    .array(externalId)
    .min(1)
    .max(DECIDED_MAX)
    .optional()
    .meta({ description: 'Only the drifts of these records. Absent: all of the record type.' }),
  cursor: listParams.cursor,
});

export const driftRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/drifts',
    operationId: 'listDrifts',
    tag,
    summary: 'List what was changed in apps after it was pushed',
    description:
      'The nightly run compares record types that are only pushed with what the app holds, where the ' +
      'connector can read. A later run, or a push of the record, ends a drift.',
    query: z.strictObject({
      ...listParams,
      integration_id: idParam('int', 'integration_not_found').optional(),
    }),
    responses: { 200: { description: 'Open drifts, by integration and record.', schema: listOf(driftView) } },
    problems: ['invalid_cursor', 'integration_not_found'],
    async run(work, { query }) {
      const { integration_id: integrationId } = query;
      if (integrationId !== undefined) await requireIntegration(work, integrationId);
      const scope = ['drifts', work.tenantId, integrationId];
      const { limit, after } = readPage(query, scope, position);
      const { drifts, examinedTo } = await listDrifts(work, { integrationId, after, limit: limit + 1 });
      return {
        status: 200,
        body: toPage(
          drifts,
          limit,
          scope,
          (row) => ({ integrationId: row.integrationId, recordId: row.recordId, place: row.place }),
          toWireDrift,
          examinedTo,
        ),
      };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: '/v1/drifts/decide',
    operationId: 'decideDrifts',
    tag,
    summary: 'Repair or accept drifts',
    description: `Decides the drifts of up to ${DECIDED_MAX} records. Repeat with \`next_cursor\` until it is null.`,
    body: decideBody,
    responses: {
      200: {
        description: 'How many records of this request were decided.',
        schema: z.object({
          decided: z.int(),
          skipped: z.int().meta({
            description:
              'Records that are held or have changed since, or whose value in the app the mapping cannot read.',
          }),
          next_cursor: z.string().nullable(),
        }),
      },
    },
    problems: ['integration_not_found', 'invalid_cursor'],
    action: 'drifts.decided',
    run: (work, { body }, context) => decide(work, context, body),
  }),
];

async function decide(
  work: TenantWork,
  { caller, requestId }: TenantContext,
  body: z.output<typeof decideBody>,
) {
  const {
    integration_id: integrationId,
    record_type: recordType,
    decision,
    external_ids: externalIds,
  } = body;
  const { recordTypes } = await requireIntegration(work, integrationId);
  const mapping = recordTypes[recordType];
  const scope = ['decide-drifts', work.tenantId, integrationId, recordType, decision];
  const { after: afterRecordId } = readPage({ cursor: body.cursor }, scope, uuidPosition);
  const key = { integrationId, recordType };
  const recordIds =
    externalIds === undefined ? undefined : await findRecordIds(work, { recordType, externalIds });
  const limit = DRIFTS_EXAMINED_MAX;
  const { drifts: open, examinedTo } = await listDrifts(work, { ...key, recordIds, afterRecordId, limit });
  const end = examinedTo === undefined ? undefined : await findRecordBefore(work, examinedTo);
  const whole = end === undefined ? open : open.filter(({ recordId }) => recordId <= end);
  const found = [...new Set(whole.map(({ recordId }) => recordId))];
  const ids = found.slice(0, DECIDED_MAX);
  const last = found.length > DECIDED_MAX ? ids.at(-1) : end;
  const next_cursor = last === undefined ? null : writeCursor(scope, last);
  const decidable = new Set(ids);
  const drifts = whole.filter(({ recordId }) => decidable.has(recordId));
  const author = { actor: caller.actor, requestId };
  const decided =
    mapping === undefined ? [] : await decideDrifts(work, { ...key, mapping }, drifts, { decision, author });
  const counts = { decided: decided.length, skipped: ids.length - decided.length };
  const detail = { ...counts, decision, record_type: recordType };
  const audit = { target: toTypeId('int', integrationId), detail };
  return { status: 200 as const, body: { ...counts, next_cursor }, audit };
}
