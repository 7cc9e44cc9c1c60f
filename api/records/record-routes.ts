/** Records: accepting single changes, and reading records. `record-batch-routes.ts` accepts batches. */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { type Integration, listIntegrations } from '../../db/integrations/integrations';
import { groupBy } from '../../domain/group-by';
import { isLocked } from '../../domain/onboarding';
import { acceptChanges } from '../../db/records/accept-changes';
import type { RecordChange } from '../../domain/records/record-change';
import { findRecordSyncsOfRecords, findRecord, listRecords } from '../../db/records/records';
import { DRIFTS_OF_RECORD_MAX as DRIFTS_MAX } from '../../db/verify/drifts';
import { listDrifts } from '../../db/verify/list-drifts';
import { HttpError } from '../http/http-error';
import { defineRoute, type Route } from '../routing/define-route';
import type { TenantContext } from '../routing/context';
import { booleanParam, externalId, idParam, recordTypeName, statusName } from '../routing/common-schemas';
import { listOf, listParams, readPage, toPage } from '../routing/pagination';
import {
  acceptedChange,
  changeOfFields,
  checkOccurredAt,
  deletion,
  toWireAccepted,
} from './record-change-schema';
import { recordSummary, recordView, toWireRecord, toWireSummary } from './record-schema';

const recordParams = z.strictObject({ record_type: recordTypeName, external_id: externalId });
const path = '/v1/records/{record_type}/{external_id}';
const ACCEPTED = {
  202: {
    description: 'The change is stored durably. `syncs` shows when it is due at each integration.',
    schema: acceptedChange,
  },
  200: {
    description: 'Syncline already has newer changes. Nothing was changed; the older change is logged.',
    schema: acceptedChange,
  },
};
const listedRecords = listOf(recordSummary).extend({
  is_partial: z.boolean().meta({
    description:
      'True if an integration that pulls this record type is being onboarded: the list may be incomplete.',
  }),
});
const PROBLEMS = [
  'occurred_in_future',
  'version_reused',
  'record_erased',
  'onboarding_in_progress',
  'field_owned_by_third_party',
] as const;

export const recordRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'put',
    path,
    operationId: 'putRecord',
    tag: 'Records',
    summary: 'Create a record or replace its fields',
    description:
      'Sending the same change twice has no second effect. A deleted record is restored. ' +
      'Fields that are owned by an app keep their value if they are left out.',
    params: recordParams,
    body: changeOfFields,
    responses: ACCEPTED,
    problems: [...PROBLEMS, 'too_many_records'],
    action: 'record.put',
    run: (work, { params, body }, context) =>
      accept(work, context, { kind: 'put', fields: body.fields, ...named(params), ...when(body) }),
  }),

  defineRoute({
    scope: 'tenant',
    method: 'patch',
    path,
    operationId: 'patchRecord',
    tag: 'Records',
    summary: 'Change some fields of a record',
    description:
      'Fields that are not listed keep their value. null is a value. An older change applies to the fields ' +
      'that no newer change has set; `stale_fields` lists the others.',
    params: recordParams,
    body: changeOfFields,
    responses: ACCEPTED,
    problems: [...PROBLEMS, 'record_not_found'],
    action: 'record.patched',
    run: (work, { params, body }, context) =>
      accept(work, context, { kind: 'patch', fields: body.fields, ...named(params), ...when(body) }),
  }),

  defineRoute({
    scope: 'tenant',
    method: 'delete',
    path,
    operationId: 'deleteRecord',
    tag: 'Records',
    summary: 'Delete a record',
    description: '`on_delete` of the mapping decides what happens in the app.',
    params: recordParams,
    body: deletion,
    responses: ACCEPTED,
    problems: [...PROBLEMS, 'record_not_found'],
    action: 'record.deleted',
    run: (work, { params, body }, context) =>
      accept(work, context, { kind: 'delete', fields: {}, ...named(params), ...when(body) }),
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path,
    operationId: 'showRecord',
    tag: 'Records',
    summary: 'Show a record with its sync status at every integration',
    params: recordParams,
    responses: { 200: { description: 'The record.', schema: recordView } },
    problems: ['record_not_found'],
    async run(work, { params }) {
      const record = await findRecord(work, named(params));
      if (record === undefined) throw new HttpError('record_not_found');
      const recordSyncs = await findRecordSyncsOfRecords(work, { recordIds: [record.recordId] });
      const { recordId } = record;
      const { drifts } = await listDrifts(work, { recordIds: [recordId], limit: DRIFTS_MAX });
      const integrations = await integrationsOf(work, params.record_type, recordSyncs);
      const body = toWireRecord(record, recordSyncs, integrations, drifts);
      return { status: 200, body };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/records/{record_type}',
    operationId: 'listRecords',
    tag: 'Records',
    summary: 'List the records of a type with their sync status',
    params: z.strictObject({ record_type: recordTypeName }),
    description:
      'With a filter, a page can be short or even empty before the end, because each request ' +
      'examines a limited number of records. Read on until next_cursor is null.',
    query: z.strictObject({
      ...listParams,
      include_deleted: booleanParam.optional(),
      q: z
        .string()
        .max(200)
        .optional()
        .meta({
          description:
            'Words that must all occur in the external id or in field values. Parts of words match; ' +
            'case is ignored.',
          example: 'ada eng',
        }),
      status: statusName
        .optional()
        .meta({ description: 'Records with this status at any integration, or at the given one.' }),
      integration_id: idParam('int', 'integration_not_found')
        .optional()
        .meta({ description: 'Records that are pushed to this integration.' }),
    }),
    responses: { 200: { description: 'Records, ordered by external id.', schema: listedRecords } },
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
      const recordIds = rows.map(({ recordId }) => recordId);
      const recordSyncs = await findRecordSyncsOfRecords(work, { recordIds });
      const recordSyncsOf = groupBy(recordSyncs, ({ recordId }) => recordId);
      const integrations = await integrationsOf(work, params.record_type, recordSyncs);
      const toItem = (row: (typeof rows)[number]) =>
        toWireSummary(row, recordSyncsOf.get(row.recordId) ?? [], integrations);
      const isPartial = integrations.some((integration) => isLocked(integration, params.record_type));
      const page = toPage(rows, limit, scope, (row) => row.externalId, toItem, searchedTo);
      return { status: 200, body: { ...page, is_partial: isPartial } };
    },
  }),
];

const named = (params: z.output<typeof recordParams>) => ({
  recordType: params.record_type,
  externalId: params.external_id,
});
const when = (body: z.output<typeof deletion>) => ({ version: body.version, occurredAt: body.occurred_at });

async function accept(
  work: TenantWork,
  { caller, requestId, services }: TenantContext,
  change: RecordChange,
) {
  checkOccurredAt(change.occurredAt, work.now);
  const [accepted] = await acceptChanges(work, [change], { actor: caller.actor, requestId }, services.config);
  if (accepted === undefined) throw new Error('acceptChanges returned nothing.');
  const body = toWireAccepted(accepted);
  const audit = {
    target: `${change.recordType}/${change.externalId}`,
    detail: { outcome: body.outcome, version: body.version, fields: Object.keys(change.fields) },
  };
  return { status: body.outcome === 'stale' ? (200 as const) : (202 as const), body, audit };
}

/** Those that map the record type, or still have a sync of a record. */
function integrationsOf(
  work: TenantWork,
  name: string,
  recordSyncs: readonly { integrationId: string }[],
): Promise<Integration[]> {
  const or = [...new Set(recordSyncs.map(({ integrationId }) => integrationId))];
  return listIntegrations(work, { limit: 1_000, recordType: { name, or } });
}
