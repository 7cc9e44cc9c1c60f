/** Actions on one record sync (rules.md 9): push now, hold, release, discard, retry. */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import {
  applyRecordSyncAction,
  type RecordSyncAction,
  type RecordSyncActionOutcome,
} from '../../db/records/record-sync-actions';
import { findRecord, findRecordSyncsOfRecords } from '../../db/records/records';
import { toTypeId } from '../../db/sql/ids';
import type { ErrorCode } from '../errors/error-codes';
import { DRIFTS_OF_RECORD_MAX as DRIFTS_MAX } from '../../db/verify/drifts';
import { listDrifts } from '../../db/verify/list-drifts';
import { HttpError } from '../http/http-error';
import { requireIntegration } from '../integrations/integration-views';
import { externalId, idParam, recordTypeName } from '../routing/common-schemas';
import type { TenantContext } from '../routing/context';
import { defineRoute, type Route } from '../routing/define-route';
import { recordView, toWireRecord } from './record-schema';

const params = z.strictObject({
  integration_id: idParam('int', 'integration_not_found'),
  record_type: recordTypeName,
  external_id: externalId,
});
const base = '/v1/integrations/{integration_id}/records/{record_type}/{external_id}';
const shared = {
  method: 'post',
  tag: 'Record syncs',
  params,
  responses: { 200: { description: 'The changed record.', schema: recordView } },
} as const;
const PROBLEMS = ['integration_not_found', 'record_not_found', 'record_sync_not_found'] as const;

export const recordSyncActionRoutes: readonly Route[] = [
  defineRoute({
    ...shared,
    scope: 'tenant',
    path: `${base}/push-now`,
    operationId: 'pushRecordNow',
    summary: 'Push a pending record now',
    description:
      'Ends the debounce window now instead of at `due_at`, and releases a hold. A push that waits for its ' +
      'next attempt, an outage or a rate limit is tried at once.',
    problems: [...PROBLEMS, 'nothing_pending', 'already_syncing', 'integration_paused', 'waits_for_approval'],
    action: 'record_sync.pushed_now',
    run: (work, input, context) => applyAction('push_now', work, input.params, context),
  }),

  defineRoute({
    ...shared,
    scope: 'tenant',
    path: `${base}/hold`,
    operationId: 'holdRecordSync',
    summary: 'Hold a pending record until it is released',
    description: [
      'The debounce window stays open past `due_at` and takes further changes, which do not release it.',
      'Push now and release end the hold; discard closes the window.',
    ].join(' '),
    problems: [...PROBLEMS, 'nothing_pending', 'already_syncing', 'waits_for_approval'],
    action: 'record_sync.held',
    run: (work, input, context) => applyAction('hold', work, input.params, context),
  }),

  defineRoute({
    ...shared,
    scope: 'tenant',
    path: `${base}/release`,
    operationId: 'releaseRecordSync',
    summary: 'Release a held record',
    description: 'The record is pushed at `due_at`, which the hold did not change; at once if it has passed.',
    problems: [...PROBLEMS, 'nothing_pending', 'waits_for_approval'],
    action: 'record_sync.released',
    run: (work, input, context) => applyAction('release', work, input.params, context),
  }),

  defineRoute({
    ...shared,
    scope: 'tenant',
    path: `${base}/discard`,
    operationId: 'discardRecordSync',
    summary: 'Discard a pending change without pushing it',
    description: [
      'Closes the debounce window. The status returns to its previous value: usually `synced`, ' +
        'or null if the record was never pushed.',
      'The app now differs from the record, which `discarded_at` shows until the next successful push.',
      'The record keeps the change, and the next relevant change pushes the whole record. A ' +
        'push in progress is not stopped.',
    ].join(' '),
    problems: [...PROBLEMS, 'nothing_pending', 'already_syncing'],
    action: 'record_sync.discarded',
    run: (work, input, context) => applyAction('discard', work, input.params, context),
  }),

  defineRoute({
    ...shared,
    scope: 'tenant',
    path: `${base}/retry`,
    operationId: 'retryRecordSync',
    summary: 'Retry a failed record now',
    description:
      'A scheduled retry runs at once. If retries have ended, the record is pushed again in ' +
      'its current state.',
    problems: [...PROBLEMS, 'nothing_failed', 'already_syncing', 'integration_paused'],
    action: 'record_sync.retried',
    run: (work, input, context) => applyAction('retry', work, input.params, context),
  }),
];

const REFUSALS: Readonly<Record<Exclude<RecordSyncActionOutcome, 'done'>, ErrorCode>> = {
  not_found: 'record_sync_not_found',
  nothing_pending: 'nothing_pending',
  already_syncing: 'already_syncing',
  waits_for_approval: 'waits_for_approval',
  integration_paused: 'integration_paused',
  nothing_failed: 'nothing_failed',
};

async function applyAction(
  action: RecordSyncAction,
  work: TenantWork,
  { integration_id, record_type, external_id }: z.output<typeof params>,
  { caller }: TenantContext,
) {
  const integration = await requireIntegration(work, integration_id);
  const record = await findRecord(work, { recordType: record_type, externalId: external_id });
  if (record === undefined) throw new HttpError('record_not_found');
  const { integrationId } = integration;
  const { recordId } = record;
  const outcome = await applyRecordSyncAction(work, {
    action,
    integrationId,
    recordId,
    actor: caller.actor,
  });
  if (outcome !== 'done') throw new HttpError(REFUSALS[outcome]);
  const recordSyncs = await findRecordSyncsOfRecords(work, { recordIds: [recordId] });
  const { drifts } = await listDrifts(work, { integrationId, recordIds: [recordId], limit: DRIFTS_MAX });
  const ownRecordSyncs = recordSyncs.filter((recordSync) => recordSync.integrationId === integrationId);
  return {
    status: 200 as const,
    body: toWireRecord(record, ownRecordSyncs, [integration], drifts),
    audit: {
      target: `${record.recordType}/${record.externalId}`,
      detail: { integration_id: toTypeId('int', integrationId) },
    },
  };
}
