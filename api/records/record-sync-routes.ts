/** Record syncs: what waits, what failed, and what people can do about a pair (rules.md 9). */
import { z } from 'zod';
import { toTypeId } from '../../db/sql/ids';
import {
  actOnRecordSync,
  type RecordSyncAction,
  type RecordSyncActionOutcome,
} from '../../db/records/record-sync-actions';
import { type ListedRecordSync, listRecordSyncs } from '../../db/records/record-syncs';
import { findRecordSyncsOfRecords, findRecord } from '../../db/records/records';
import type { ErrorCode } from '../http/error-codes';
import { HttpError } from '../http/http-error';
import { type Route, tenantRoute } from '../routing/define-route';
import {
  orNull,
  booleanParam,
  externalId,
  idParam,
  instant,
  recordTypeName,
  startedBecause,
  statusName,
  syncError,
  toInstantOrNull,
  typeId,
} from '../routing/common-schemas';
import { listOf, listParams, readPage, toPage } from '../routing/pagination';
import { recordView, toWireRecord } from './record-schema';
import { syncProspects, toWireProspects } from './sync-outlook-schema';
import { requireIntegration } from '../integrations/integration-routes';

const recordSyncSchema = z
  .object({
    integration_id: typeId('int'),
    record_type: z.string(),
    external_id: z.string(),
    status: orNull(statusName),
    window_opened_at: instant.nullable(),
    ...syncProspects,
    started_because: orNull(startedBecause).meta({ description: 'Why the open window will be pushed.' }),
    changed_fields: z.array(z.string()),
    changed_by: z.array(z.string()),
    errors: z.array(syncError),
    last_push_id: typeId('psh').nullable(),
    last_synced_at: instant.nullable(),
  })
  .meta({ id: 'RecordSync' });

const RETRIES_MAX = 100;
const position = z.object({ integrationId: z.uuid(), recordId: z.uuid() });
const recordSyncParams = z.strictObject({
  integration_id: idParam('int', 'integration_not_found'),
  record_type: recordTypeName,
  external_id: externalId,
});

const REFUSALS: Readonly<Record<Exclude<RecordSyncActionOutcome, 'done'>, ErrorCode>> = {
  not_found: 'record_sync_not_found',
  nothing_pending: 'nothing_pending',
  already_syncing: 'already_syncing',
  integration_paused: 'integration_paused',
  nothing_failed: 'nothing_failed',
};

const ACTIONS: readonly {
  act: RecordSyncAction;
  segment: string;
  operationId: string;
  summary: string;
  description: string;
  problems: readonly ErrorCode[];
  action: string;
}[] = [
  {
    act: 'push_now',
    segment: 'push-now',
    operationId: 'pushRecordNow',
    summary: 'Push a waiting record now',
    description: 'The open window ends at once instead of at `due_at`. A hold is released by it.',
    problems: ['nothing_pending', 'already_syncing', 'integration_paused'],
    action: 'record_sync.pushed_now',
  },
  {
    act: 'hold',
    segment: 'hold',
    operationId: 'holdRecordSync',
    summary: 'Hold a waiting record until it is released',
    description:
      'The window stays open past `due_at` and takes further changes, which do not release it; push-now and release do, and discard ends it.',
    problems: ['nothing_pending', 'already_syncing'],
    action: 'record_sync.held',
  },
  {
    act: 'release',
    segment: 'release',
    operationId: 'releaseRecordSync',
    summary: 'Release a held record',
    description: 'It is pushed at `due_at`, which the hold did not move: at once if that has passed.',
    problems: ['nothing_pending'],
    action: 'record_sync.released',
  },
  {
    act: 'discard',
    segment: 'discard',
    operationId: 'discardRecordSync',
    summary: 'Discard what waits, without pushing it',
    description:
      'The window closes and the status returns to what it was before (`synced` most often, null if it was never pushed), although the third party differs from the record now: `discarded_at` tells so until the next success. The record keeps the change, and its next relevant change pushes it as it is by then. A push under way is not called back.',
    problems: ['nothing_pending', 'already_syncing'],
    action: 'record_sync.discarded',
  },
  {
    act: 'retry',
    segment: 'retry',
    operationId: 'retryRecordSync',
    summary: 'Retry a failed record now',
    description:
      'What is repeated by itself later is repeated at once; what was given up is pushed anew, as the record is now.',
    problems: ['nothing_failed', 'already_syncing', 'integration_paused'],
    action: 'record_sync.retried',
  },
];

export const recordSyncRoutes: readonly Route[] = [
  tenantRoute({
    method: 'get',
    path: '/v1/record-syncs',
    operationId: 'listRecordSyncs',
    tag: 'Record syncs',
    summary: 'List pairs of record and integration by their state',
    query: z.strictObject({
      ...listParams,
      status: statusName.optional(),
      integration_id: idParam('int', 'integration_not_found').optional(),
      is_held: booleanParam.optional(),
    }),
    answers: { 200: { description: 'Pairs by integration and record.', schema: listOf(recordSyncSchema) } },
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

  tenantRoute({
    method: 'post',
    path: '/v1/record-syncs/retry',
    operationId: 'retryFailedRecordSyncs',
    tag: 'Record syncs',
    summary: 'Retry what failed at an integration now',
    description: 'Up to 100 pairs at once, by record; go on with next_cursor until it is null.',
    body: z.strictObject({
      integration_id: idParam('int', 'integration_not_found'),
      cursor: listParams.cursor,
    }),
    answers: {
      200: {
        description: 'How many are retried now.',
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
        const outcome = await actOnRecordSync(work, {
          act: 'retry',
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

  ...ACTIONS.map(({ act, segment, operationId, summary, description, problems, action }) =>
    tenantRoute({
      method: 'post',
      path: `/v1/integrations/{integration_id}/records/{record_type}/{external_id}/${segment}`,
      operationId,
      tag: 'Record syncs',
      summary,
      description,
      params: recordSyncParams,
      answers: { 200: { description: 'The record as it is now.', schema: recordView } },
      problems: ['integration_not_found', 'record_not_found', 'record_sync_not_found', ...problems],
      action,
      async run(work, { params }, { caller }) {
        const integration = await requireIntegration(work, params.integration_id);
        const record = await findRecord(work, {
          recordType: params.record_type,
          externalId: params.external_id,
        });
        if (record === undefined) throw new HttpError('record_not_found');
        const outcome = await actOnRecordSync(work, {
          act,
          integrationId: integration.integrationId,
          recordId: record.recordId,
          actor: caller.actor,
        });
        if (outcome !== 'done') throw new HttpError(REFUSALS[outcome]);
        const recordSyncs = await findRecordSyncsOfRecords(work, { recordIds: [record.recordId] });
        const ownRecordSyncs = recordSyncs.filter(
          (recordSync) => recordSync.integrationId === integration.integrationId,
        );
        const audit = {
          target: `${record.recordType}/${record.externalId}`,
          detail: { integration_id: toTypeId('int', integration.integrationId) },
        };
        return { status: 200, body: toWireRecord(record, ownRecordSyncs, [integration]), audit };
      },
    }),
  ),
];

function toWire(recordSync: ListedRecordSync): z.output<typeof recordSyncSchema> {
  return {
    integration_id: toTypeId('int', recordSync.integrationId),
    record_type: recordSync.recordType,
    external_id: recordSync.externalId,
    status: recordSync.status,
    window_opened_at: toInstantOrNull(recordSync.windowOpenedAt),
    ...toWireProspects(recordSync, recordSync),
    started_because: recordSync.windowReason,
    changed_fields: recordSync.windowFields,
    changed_by: recordSync.windowChangedBy,
    errors: recordSync.errors ?? [],
    last_push_id: recordSync.lastPushId === null ? null : toTypeId('psh', recordSync.lastPushId),
    last_synced_at: toInstantOrNull(recordSync.lastSyncedAt),
  };
}
