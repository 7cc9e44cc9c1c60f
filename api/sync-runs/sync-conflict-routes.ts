/** Conflicts found by sync runs (rules.md 13, 17). */
import { z } from 'zod';
import { toTypeId } from '../../db/sql/ids';
import { listSyncConflicts, type SyncConflict } from '../../db/pull/sync-conflicts';
import type { JsonValue } from '../../domain/json';
import { defineRoute, type Route } from '../routing/define-route';
import {
  externalId,
  idParam,
  instant,
  jsonValue,
  recordTypeName,
  toInstant,
  typeId,
} from '../routing/common-schemas';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';
import { requireIntegration } from '../integrations/integration-views';

const kind = z.enum(['field_changed_on_both_sides', 'ambiguous_match']).meta({
  id: 'SyncConflictKind',
  description: [
    '- `field_changed_on_both_sides`: the app changed the field while a change in Syncline ' +
      'was not pushed yet. `winner` tells which value is kept.',
    '- `ambiguous_match`: several Syncline records have the value of the `match_by` field, ' +
      'or several app records match the same Syncline record. The app record is not imported ' +
      'until the match is unambiguous.',
  ].join('\n'),
});
const conflict = z
  .object({
    id: typeId('cnf'),
    integration_id: typeId('int'),
    sync_run_id: typeId('run'),
    record_type: recordTypeName,
    remote_id: z.string().meta({ example: '4711' }),
    record_id: typeId('rec')
      .nullable()
      .meta({ description: 'null if the Syncline record could not be determined.' }),
    external_id: externalId.nullable(),
    kind,
    field: z.string().nullable().meta({ example: 'email' }),
    ours: jsonValue.meta({ description: "Syncline's value." }),
    theirs: jsonValue.meta({ description: "The app's value." }),
    winner: z.enum(['ours', 'theirs']).nullable(),
    detail: z.string(),
    at: instant,
  })
  .meta({ id: 'SyncConflict' });

export const syncConflictRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/sync-conflicts',
    operationId: 'listSyncConflicts',
    tag: 'Sync conflicts',
    summary: 'List conflicts, newest first',
    query: z.strictObject({
      ...listParams,
      integration_id: idParam('int', 'integration_not_found').optional(),
      kind: kind.optional(),
    }),
    responses: {
      200: { description: 'Conflicts, with the values of both sides.', schema: listOf(conflict) },
    },
    problems: ['invalid_cursor', 'integration_not_found'],
    async run(work, { query }) {
      if (query.integration_id !== undefined) await requireIntegration(work, query.integration_id);
      const scope = ['sync-conflicts', work.tenantId, query.integration_id, query.kind];
      const { limit, after } = readPage(query, scope, uuidPosition);
      const rows = await listSyncConflicts(work, {
        integrationId: query.integration_id,
        kind: query.kind,
        limit: limit + 1,
        before: after,
      });
      return {
        status: 200,
        body: toPage(rows, limit, scope, ({ syncConflictId }) => syncConflictId, toWire),
      };
    },
  }),
];

function toWire(found: SyncConflict): z.output<typeof conflict> {
  return {
    id: toTypeId('cnf', found.syncConflictId),
    integration_id: toTypeId('int', found.integrationId),
    sync_run_id: toTypeId('run', found.syncRunId),
    record_type: found.recordType,
    remote_id: found.remoteId,
    record_id: found.recordId === null ? null : toTypeId('rec', found.recordId),
    external_id: found.externalId,
    kind: found.kind,
    field: found.field,
    ours: found.ours as JsonValue,
    theirs: found.theirs as JsonValue,
    winner: found.winner,
    detail: found.detail,
    at: toInstant(found.at),
  };
}
