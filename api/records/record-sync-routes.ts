/** Record syncs: pending and failed ones as a list, and retrying all failed ones (rules.md 9). */
import { z } from 'zod';
import { toTypeId } from '../../db/sql/ids';
import { applyRecordSyncAction } from '../../db/records/record-sync-actions';
import { type ListedRecordSync, listRecordSyncs } from '../../db/records/record-syncs';
import { HttpError } from '../http/http-error';
import { defineRoute, type Route } from '../routing/define-route';
import {
  orNull,
  booleanParam,
  idParam,
  instant,
  startedBecause,
  statusName,
  syncError,
  toInstantOrNull,
  typeId,
} from '../routing/common-schemas';
import { listOf, listParams, readPage, toPage } from '../routing/pagination';
import { syncOutlook, toWireOutlook } from './sync-outlook-schema';
import { requireIntegration } from '../integrations/integration-views';

const recordSyncSchema = z
  .object({
    integration_id: typeId('int'),
    record_type: z.string(),
    external_id: z.string(),
    status: orNull(statusName),
    window_opened_at: instant.nullable(),
    ...syncOutlook,
    started_because: orNull(startedBecause).meta({
      description: 'Why the open window will be pushed when it ends.',
    }),
    changed_fields: z.array(z.string()),
    changed_by: z.array(z.string()),
    errors: z.array(syncError),
    last_push_id: typeId('psh').nullable(),
    last_synced_at: instant.nullable(),
  })
  .meta({ id: 'RecordSync' });

const RETRIES_MAX = 100;
const position = z.object({ integrationId: z.uuid(), recordId: z.uuid() });
export const recordSyncRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: '/v1/record-syncs',
    operationId: 'listRecordSyncs',
    tag: 'Record syncs',
    summary: 'List record syncs',
    query: z.strictObject({
      ...listParams,
      status: statusName.optional(),
      integration_id: idParam('int', 'integration_not_found').optional(),
      is_held: booleanParam.optional(),
    }),
    responses: {
      200: {
        description: 'Record syncs, ordered by integration and record.',
        schema: listOf(recordSyncSchema),
      },
    },
    problems: ['invalid_cursor', 'integration_not_found'],
    async run(work, { query }) {
      if (query.integration_id !== undefined) await requireIntegration(work, query.integration_id);
      const scope = ['record-syncs', work.tenantId, query.status, query.integration_id, query.is_held];
      const { limit, after } = readPage(query, scope, position);
      const rows = await listRecordSyncs(work, {
        status: query.status,
        integrationId: query.integration_id,
        isHeld: query.is_held,
        limit: limit + 1,
        after,
      });
      return {
        status: 200,
        body: toPage(
          rows,
          limit,
          scope,
          ({ integrationId, recordId }) => ({ integrationId, recordId }),
          toWire,
        ),
      };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: '/v1/record-syncs/retry',
    operationId: 'retryFailedRecordSyncs',
    tag: 'Record syncs',
    summary: 'Retry all failed records of an integration',
    description: 'Retries up to 100 records. Repeat the request with next_cursor until it is null.',
    body: z.strictObject({
      integration_id: idParam('int', 'integration_not_found'),
      cursor: listParams.cursor,
    }),
    responses: {
      200: {
        description: 'The number of records that are retried.',
        schema: z
          .object({ retried: z.int(), next_cursor: z.string().nullable() })
          .meta({ id: 'RetriedRecordSyncs' }),
      },
    },
    problems: ['integration_not_found', 'integration_paused', 'invalid_cursor'],
    action: 'record_syncs.retried',
    async run(work, { body }, { caller }) {
      const { integrationId } = await requireIntegration(work, body.integration_id);
      const scope = ['record-syncs/retry', work.tenantId, integrationId];
      const { after } = readPage({ cursor: body.cursor }, scope, position);
      const failed = await listRecordSyncs(work, {
        status: 'sync_failed',
        integrationId,
        limit: RETRIES_MAX + 1,
        after,
      });
      let retried = 0;
      for (const { recordId } of failed.slice(0, RETRIES_MAX)) {
        const outcome = await applyRecordSyncAction(work, {
          action: 'retry',
          integrationId,
          recordId,
          actor: caller.actor,
        });
        if (outcome === 'integration_paused') throw new HttpError('integration_paused');
        if (outcome === 'done') retried += 1;
      }
      const { next_cursor } = toPage(
        failed,
        RETRIES_MAX,
        scope,
        ({ recordId }) => ({ integrationId, recordId }),
        ({ recordId }) => recordId,
      );
      return {
        status: 200,
        body: { retried, next_cursor },
        audit: { target: toTypeId('int', integrationId), detail: { retried } },
      };
    },
  }),
];

function toWire(recordSync: ListedRecordSync): z.output<typeof recordSyncSchema> {
  return {
    integration_id: toTypeId('int', recordSync.integrationId),
    record_type: recordSync.recordType,
    external_id: recordSync.externalId,
    status: recordSync.status,
    window_opened_at: toInstantOrNull(recordSync.windowOpenedAt),
    ...toWireOutlook(recordSync, recordSync, recordSync.recordType),
    started_because: recordSync.windowReason,
    changed_fields: recordSync.windowFields,
    changed_by: recordSync.windowChangedBy,
    errors: recordSync.errors ?? [],
    last_push_id: recordSync.lastPushId === null ? null : toTypeId('psh', recordSync.lastPushId),
    last_synced_at: toInstantOrNull(recordSync.lastSyncedAt),
  };
}
