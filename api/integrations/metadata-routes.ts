/** Metadata of apps: record types, fields and picklists as last read, and how they changed (rules.md 28). */
import { z } from 'zod';
import { toTypeId } from '../../db/sql/ids';
import { listRemoteRecordTypes } from '../../db/integrations/metadata';
import { type ListedMetadataChange, listMetadataChanges } from '../../db/integrations/metadata-changes';
import { defineRoute, type Route } from '../routing/define-route';
import { idParam, instant, jsonObject, toInstant, typeId } from '../routing/common-schemas';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';
import { recordType, toWireRecordType } from './connector-routes';
import { integrationParams } from './integration-schema';
import { requireIntegration } from './integration-views';

const knownRecordType = recordType
  .extend({
    read_at: instant.nullable().meta({
      description:
        'When this was last read from the app; null = not read yet, so this comes from the configuration.',
    }),
  })
  .meta({ id: 'SeenRecordType' });
const change = z
  .object({
    id: typeId('mdc'),
    integration_id: typeId('int'),
    sync_run_id: typeId('run').meta({ description: 'The sync run that found the change.' }),
    record_type: z.string(),
    kind: z.enum([
      'record_type_added',
      'record_type_removed',
      'field_added',
      'field_removed',
      'field_changed',
      'value_added',
      'value_removed',
    ]),
    field: z
      .string()
      .nullable()
      .meta({ description: 'null if the record type itself changed.', example: 'department' }),
    detail: jsonObject.meta({
      description:
        'For a picklist value `{value}`; for a changed field `{from, to}` per property; for an ' +
        'added or removed field the field itself.',
      example: { value: 'Sales' },
    }),
    at: instant,
  })
  .meta({ id: 'MetadataChange' });

export const metadataRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/integrations/{integration_id}/record-types',
    operationId: 'listRecordTypes',
    tag: 'Metadata',
    summary: "List the app's record types with their fields and picklists",
    description: 'As last read: every hour, and in every full sync.',
    params: integrationParams,
    responses: {
      200: {
        description: 'All record types by name.',
        schema: z.object({ data: z.array(knownRecordType), next_cursor: z.null() }),
      },
    },
    problems: ['integration_not_found'],
    async run(work, { params }, { services: { connectors } }) {
      const { integrationId, connector, config } = await requireIntegration(work, params.integration_id);
      const known = await listRemoteRecordTypes(work, { integrationId });
      const described = (connectors[connector]?.recordTypes(config) ?? []).toSorted((a, b) =>
        a.name < b.name ? -1 : 1,
      );
      const data =
        known.length > 0
          ? known.map((type) => ({ ...toWireRecordType(type), read_at: toInstant(type.readAt) }))
          : described.map((type) => ({ ...toWireRecordType(type), read_at: null }));
      return { status: 200, body: { data, next_cursor: null } };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/metadata-changes',
    operationId: 'listMetadataChanges',
    tag: 'Metadata',
    summary: 'List what changed in record types, fields and picklists, newest first',
    description: 'Metadata found by the first sync does not count as a change.',
    query: z.strictObject({
      ...listParams,
      integration_id: idParam('int', 'integration_not_found').optional(),
    }),
    responses: { 200: { description: 'One entry per change.', schema: listOf(change) } },
    problems: ['invalid_cursor', 'integration_not_found'],
    async run(work, { query }) {
      if (query.integration_id !== undefined) await requireIntegration(work, query.integration_id);
      const scope = ['metadata-changes', work.tenantId, query.integration_id];
      const { limit, after } = readPage(query, scope, uuidPosition);
      const rows = await listMetadataChanges(work, {
        integrationId: query.integration_id,
        limit: limit + 1,
        before: after,
      });
      return {
        status: 200,
        body: toPage(rows, limit, scope, ({ metadataChangeId }) => metadataChangeId, toWire),
      };
    },
  }),
];

function toWire({
  metadataChangeId,
  integrationId,
  syncRunId,
  recordType: type,
  kind,
  field,
  detail,
  at,
}: ListedMetadataChange): z.output<typeof change> {
  return {
    id: toTypeId('mdc', metadataChangeId),
    integration_id: toTypeId('int', integrationId),
    sync_run_id: toTypeId('run', syncRunId),
    record_type: type,
    kind,
    field,
    detail,
    at: toInstant(at),
  };
}
