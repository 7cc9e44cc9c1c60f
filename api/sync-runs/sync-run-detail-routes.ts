/** The records that a sync run changed, and the records that it could not import. */
import { z } from 'zod';
import { toTypeId } from '../../db/sql/ids';
import {
  listSyncRecordErrors,
  listSyncRunChanges,
  type SyncRecordError,
  type SyncRunChange,
} from '../../db/sync-runs/sync-run-changes';
import { defineRoute, type Route } from '../routing/define-route';
import { externalId, instant, recordTypeName, toInstant, typeId } from '../routing/common-schemas';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';
import { requireRun, syncRunParams } from './sync-run-routes';

const changeKind = z.enum(['created', 'updated', 'deleted']);
const change = z
  .object({
    record_type: recordTypeName,
    record_id: typeId('rec'),
    external_id: externalId,
    change: changeKind,
    fields: z.array(z.string()).meta({
      description: 'The fields that an update changed; empty for other changes.',
      example: ['email'],
    }),
    was_deleted: z
      .boolean()
      .meta({ description: 'True if the record had been deleted in Syncline and is restored.' }),
    at: instant,
  })
  .meta({ id: 'SyncRunChange' });
const recordError = z
  .object({
    id: typeId('sre'),
    record_type: recordTypeName,
    remote_id: z.string().nullable().meta({
      description: "The app's id of the record; null if it could not be read.",
      example: '4711',
    }),
    code: z.string().meta({ example: 'too_large' }),
    message: z.string(),
    at: instant,
  })
  .meta({ id: 'SyncRecordError' });

const position = z.object({ recordType: recordTypeName, page: z.int32().min(0), position: z.int32().min(0) });

export const syncRunDetailRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/sync-runs/{sync_run_id}/changes',
    operationId: 'listSyncRunChanges',
    tag: 'Sync runs',
    summary: 'List the records that a sync run created, updated and deleted',
    description: 'The list grows while the run continues. Unchanged records are not listed.',
    params: syncRunParams,
    query: z.strictObject({
      ...listParams,
      record_type: recordTypeName.optional(),
      change: changeKind.optional(),
    }),
    responses: {
      200: { description: 'Changes by record type, in the order they were read.', schema: listOf(change) },
    },
    problems: ['sync_run_not_found', 'invalid_cursor'],
    async run(work, { params, query }) {
      const { syncRunId } = await requireRun(work, params.sync_run_id);
      const scope = ['sync-run-changes', work.tenantId, syncRunId, query.record_type, query.change];
      const { limit, after } = readPage(query, scope, position);
      const rows = await listSyncRunChanges(work, {
        syncRunId,
        recordType: query.record_type,
        kind: query.change,
        limit: limit + 1,
        after,
      });
      const positionOf = ({ recordType, page, position: place }: SyncRunChange) => ({
        recordType,
        page,
        position: place,
      });
      return { status: 200, body: toPage(rows, limit, scope, positionOf, toWireChange) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/sync-runs/{sync_run_id}/errors',
    operationId: 'listSyncRunErrors',
    tag: 'Sync runs',
    summary: 'List the records that a sync run could not import',
    description:
      'One invalid record does not stop the others. The first 1,000 errors of each record type ' +
      'are listed, with records that were held back or stored with a warning; `records_failed` counts all errors. If a whole job failed, see its `error`.',
    params: syncRunParams,
    query: z.strictObject({ ...listParams, record_type: recordTypeName.optional() }),
    responses: {
      200: { description: 'Errors in the order in which they occurred.', schema: listOf(recordError) },
    },
    problems: ['sync_run_not_found', 'invalid_cursor'],
    async run(work, { params, query }) {
      const { syncRunId } = await requireRun(work, params.sync_run_id);
      const scope = ['sync-run-errors', work.tenantId, syncRunId, query.record_type];
      const { limit, after } = readPage(query, scope, uuidPosition);
      const rows = await listSyncRecordErrors(work, {
        syncRunId,
        recordType: query.record_type,
        limit: limit + 1,
        after,
      });
      return {
        status: 200,
        body: toPage(rows, limit, scope, ({ syncRecordErrorId }) => syncRecordErrorId, toWireError),
      };
    },
  }),
];

function toWireChange({
  recordType,
  recordId,
  externalId: id,
  kind,
  fields,
  wasDeleted,
  at,
}: SyncRunChange): z.output<typeof change> {
  return {
    record_type: recordType,
    record_id: toTypeId('rec', recordId),
    external_id: id,
    change: kind,
    fields,
    was_deleted: wasDeleted,
    at: toInstant(at),
  };
}

function toWireError({
  syncRecordErrorId,
  recordType,
  remoteId,
  code,
  message,
  at,
}: SyncRecordError): z.output<typeof recordError> {
  return {
    id: toTypeId('sre', syncRecordErrorId),
    record_type: recordType,
    remote_id: remoteId,
    code,
    message,
    at: toInstant(at),
  };
}
