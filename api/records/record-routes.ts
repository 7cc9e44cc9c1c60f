/** Records: accepting changes one by one, and looking at what is there. Batches are `record-batch.ts`. */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { type Integration, listIntegrations } from '../../db/integrations/integrations';
import { isLocked } from '../../domain/onboarding';
import { acceptChanges } from '../../db/records/accept-changes';
import type { RecordChange } from '../../domain/records/record-change';
import {
  findRecordSyncsOfRecords,
  findRecord,
  listRecords,
  type RecordSyncSummary,
} from '../../db/records/records';
import { HttpError } from '../http/http-error';
import { type Route, type TenantContext, tenantRoute } from '../routing/define-route';
import { booleanParam, externalId, idParam, recordTypeName, statusName } from '../routing/common-schemas';
import { listOf, listParams, readPage, toPage, writeCursor } from '../routing/pagination';
import {
  acceptedChange,
  changeOfFields,
  checkOccurredAt,
  deletion,
  toWireAccepted,
} from './record-change-schema';
import { recordSummary, recordView, toWireRecord, toWireSummary } from './record-schema';

export const recordParams = z.strictObject({ record_type: recordTypeName, external_id: externalId });
const path = '/v1/records/{record_type}/{external_id}';
const ACCEPTED = {
  202: {
    description: 'The change is kept and cannot be lost; `syncs` says when it is due where.',
    schema: acceptedChange,
  },
  200: {
    description: 'A newer version is already here: nothing was changed, and the older one is logged.',
    schema: acceptedChange,
  },
};
const listedRecords = listOf(recordSummary).extend({
  is_partial: z.boolean().meta({
    description:
      'An integration that pulls this record type is being onboarded: there may be more records than are listed.',
  }),
});
const PROBLEMS = [
  'occurred_in_future',
  'version_reused',
  'onboarding_in_progress',
  'field_owned_by_third_party',
] as const;

export const recordRoutes: readonly Route[] = [
  tenantRoute({
    method: 'put',
    path,
    operationId: 'putRecord',
    tag: 'Records',
    summary: 'Create a record or replace its fields',
    description:
      'The same change twice is one change. A deleted record comes back. Fields that only come from a third party stay as they are where they are left out.',
    params: recordParams,
    body: changeOfFields,
    answers: ACCEPTED,
    problems: PROBLEMS,
    action: 'record.put',
    run: (work, { params, body }, context) =>
      accept(work, context, { kind: 'put', fields: body.fields, ...named(params), ...when(body) }),
  }),

  tenantRoute({
    method: 'patch',
    path,
    operationId: 'patchRecord',
    tag: 'Records',
    summary: 'Change some fields of a record',
    description: 'Fields that are not named stay as they are; null is a value.',
    params: recordParams,
    body: changeOfFields,
    answers: ACCEPTED,
    problems: [...PROBLEMS, 'record_not_found'],
    action: 'record.patched',
    run: (work, { params, body }, context) =>
      accept(work, context, { kind: 'patch', fields: body.fields, ...named(params), ...when(body) }),
  }),

  tenantRoute({
    method: 'delete',
    path,
    operationId: 'deleteRecord',
    tag: 'Records',
    summary: 'Delete a record',
    description: "What becomes of it at a third party is the mapping's `on_delete`.",
    params: recordParams,
    body: deletion,
    answers: ACCEPTED,
    problems: [...PROBLEMS, 'record_not_found'],
    action: 'record.deleted',
    run: (work, { params, body }, context) =>
      accept(work, context, { kind: 'delete', fields: {}, ...named(params), ...when(body) }),
  }),

  tenantRoute({
    method: 'get',
    path,
    operationId: 'showRecord',
    tag: 'Records',
    summary: 'Show a record, its badge, and its state at every integration',
    params: recordParams,
    answers: { 200: { description: 'The record.', schema: recordView } },
    problems: ['record_not_found'],
    async run(work, { params }) {
      const record = await findRecord(work, named(params));
      if (record === undefined) throw new HttpError('record_not_found');
      const recordSyncs = await findRecordSyncsOfRecords(work, { recordIds: [record.recordId] });
      return { status: 200, body: toWireRecord(record, recordSyncs, await allIntegrations(work)) };
    },
  }),

  tenantRoute({
    method: 'get',
    path: '/v1/records/{record_type}',
    operationId: 'listRecords',
    tag: 'Records',
    summary: 'List the records of a type with their badges',
    params: z.strictObject({ record_type: recordTypeName }),
    description:
      'With a filter, a page can be short, even empty, before the end: so many records are looked at for one answer. Go on until next_cursor is null.',
    query: z.strictObject({
      ...listParams,
      include_deleted: booleanParam.optional(),
      q: z.string().max(200).optional().meta({
        description:
          'Words that all stand in the external id or in values of fields, in part and in any case.',
        example: 'ada eng',
      }),
      status: statusName
        .optional()
        .meta({ description: 'Records with this status at some integration, or at the one that is given.' }),
      integration_id: idParam('int', 'integration_not_found')
        .optional()
        .meta({ description: 'Records that this integration pushes.' }),
    }),
    answers: { 200: { description: 'Records in the order of their external ids.', schema: listedRecords } },
    problems: ['invalid_cursor', 'integration_not_found'],
    async run(work, { params, query }) {
      const withDeleted = query.include_deleted ?? false;
      const words = (query.q ?? '').split(/\s+/).filter((word) => word !== '');
      const filter = { words, status: query.status, integrationId: query.integration_id };
      const scope = [
        'records',
        work.tenantId,
        params.record_type,
        withDeleted,
        words.join(' '),
        query.status,
        query.integration_id,
      ];
      const { limit, after } = readPage(query, scope, externalId);
      const { rows, searchedTo } = await listRecords(work, {
        recordType: params.record_type,
        limit: limit + 1,
        after,
        withDeleted,
        ...filter,
      });
      const recordSyncsOf = groupByRecord(
        await findRecordSyncsOfRecords(work, { recordIds: rows.map(({ recordId }) => recordId) }),
      );
      const integrations = await allIntegrations(work);
      const toItem = (row: (typeof rows)[number]) =>
        toWireSummary(row, recordSyncsOf.get(row.recordId) ?? [], integrations);
      const isPartial = integrations.some((integration) => isLocked(integration, params.record_type));
      const page = toPage(rows, limit, scope, (row) => row.externalId, toItem);
      const next = page.next_cursor ?? (searchedTo === undefined ? null : writeCursor(scope, searchedTo));
      return { status: 200, body: { ...page, next_cursor: next, is_partial: isPartial } };
    },
  }),
];

const named = (params: z.output<typeof recordParams>) => ({
  recordType: params.record_type,
  externalId: params.external_id,
});
const when = (body: z.output<typeof deletion>) => ({ version: body.version, occurredAt: body.occurred_at });

async function accept(work: TenantWork, { caller, requestId }: TenantContext, change: RecordChange) {
  checkOccurredAt(change.occurredAt, work.now);
  const [accepted] = await acceptChanges(work, [change], { actor: caller.actor, requestId });
  if (accepted === undefined) throw new Error('acceptChanges answered nothing.');
  const body = toWireAccepted(accepted);
  const audit = {
    target: `${change.recordType}/${change.externalId}`,
    detail: { outcome: body.outcome, version: body.version, fields: Object.keys(change.fields) },
  };
  return { status: body.outcome === 'stale' ? (200 as const) : (202 as const), body, audit };
}

/** A tenant has a handful of them. */
async function allIntegrations(work: TenantWork): Promise<Integration[]> {
  return listIntegrations(work, { limit: 1_000 });
}

function groupByRecord(recordSyncs: readonly RecordSyncSummary[]): Map<string, RecordSyncSummary[]> {
  const groups = new Map<string, RecordSyncSummary[]>();
  for (const recordSync of recordSyncs)
    groups.set(recordSync.recordId, [...(groups.get(recordSync.recordId) ?? []), recordSync]);
  return groups;
}
