/** The JSON of Sync Overviews, their items, and operations. */
import { z } from 'zod';
import { toTypeId } from '../../db/sql/ids';
import type { OverviewItem } from '../../db/overviews/overview-items';
import type { Overview } from '../../db/overviews/overviews';
import type { OverviewJob } from '../../db/overviews/overview-jobs';
import type { Operation } from '../../db/notifications/operations';
import {
  INVALIDITY_TEXTS,
  NO_LONGER_VALID,
  OPERATION_KINDS,
  OVERVIEW_ACTIONS,
  OVERVIEW_INVALIDITIES,
  OVERVIEW_JOB_STATES,
  OVERVIEW_STATES,
} from '../../domain/overviews/overview';
import {
  instant,
  jsonObject,
  orNull,
  recordTypeName,
  syncError,
  toInstant,
  toInstantOrNull,
  typeId,
} from '../routing/common-schemas';

const count = z.int().min(0);
export const direction = z.enum(['pull', 'push']).meta({
  id: 'SyncDirection',
  description: '`pull`: changes in Syncline. `push`: changes in the app.',
});
export const overviewAction = z.enum(OVERVIEW_ACTIONS).meta({
  id: 'OverviewAction',
  description:
    '`not_possible`: the record cannot be synced in its current state; `reason` tells why. ' +
    'It is never applied.',
});

const dataset = z
  .object({
    record_type: recordTypeName,
    direction,
    state: z.enum(OVERVIEW_JOB_STATES).meta({ id: 'OverviewJobState' }),
    creates: count,
    updates: count,
    deletes: count,
    not_possible: count,
    unchanged: count,
    records_read: count,
    expected_records: count.nullable(),
    compared_with: z
      .enum(['third_party', 'last_push'])
      .nullable()
      .meta({
        description:
          "For a push: what Syncline's records were compared with. `last_push`: the app cannot be " +
          'read, so with the data pushed last.',
      }),
    error: orNull(syncError),
  })
  .meta({ id: 'OverviewDataset' });

const invalidity = z
  .object({
    reason: z.enum(OVERVIEW_INVALIDITIES),
    message: z.string().meta({ example: `${NO_LONGER_VALID}. ${INVALIDITY_TEXTS.expired}` }),
    at: instant,
    by: z.string().nullable(),
    overview_id: typeId('ovw').nullable().meta({ description: 'The overview that replaced this one.' }),
    sync_run_id: typeId('run').nullable().meta({ description: 'The Sync Log that replaced this overview.' }),
  })
  .meta({ id: 'OverviewInvalidity' });

export const overview = z
  .object({
    id: typeId('ovw'),
    integration_id: typeId('int'),
    state: z.enum(OVERVIEW_STATES).meta({ id: 'OverviewState' }),
    requested_by: z.string(),
    requested_at: instant,
    generated_at: instant.nullable(),
    expires_at: instant.nullable(),
    is_valid: z.boolean().meta({ description: 'True if the overview is ready and a Sync Now can apply it.' }),
    applied_sync_run_id: typeId('run').nullable(),
    invalid: orNull(invalidity),
    datasets: z.array(dataset),
  })
  .meta({ id: 'SyncOverview' });

export function toWireOverview(one: Overview, jobs: readonly OverviewJob[]): z.output<typeof overview> {
  return {
    id: toTypeId('ovw', one.overviewId),
    integration_id: toTypeId('int', one.integrationId),
    state: one.state,
    requested_by: one.requestedBy,
    requested_at: toInstant(one.requestedAt),
    generated_at: toInstantOrNull(one.generatedAt),
    expires_at: toInstantOrNull(one.expiresAt),
    is_valid: one.state === 'ready' && one.invalidAt === null,
    applied_sync_run_id: one.appliedSyncRunId === null ? null : toTypeId('run', one.appliedSyncRunId),
    invalid: toWireInvalidity(one),
    datasets: jobs
      .filter(({ overviewId }) => overviewId === one.overviewId)
      .map((job) => ({
        record_type: job.recordType,
        direction: job.direction,
        state: job.state,
        creates: job.creates,
        updates: job.updates,
        deletes: job.deletes,
        not_possible: job.notPossible,
        unchanged: job.unchanged,
        records_read: job.recordsRead,
        expected_records: job.expectedRecords,
        compared_with: job.comparedWith,
        error: job.error,
      })),
  };
}

function toWireInvalidity(one: Overview): z.output<typeof invalidity> | null {
  if (one.invalidAt === null || one.invalidReason === null) return null;
  return {
    reason: one.invalidReason,
    message: `${NO_LONGER_VALID}. ${INVALIDITY_TEXTS[one.invalidReason]}`,
    at: toInstant(one.invalidAt),
    by: one.invalidBy,
    overview_id: one.replacedByOverviewId === null ? null : toTypeId('ovw', one.replacedByOverviewId),
    sync_run_id: one.replacedBySyncRunId === null ? null : toTypeId('run', one.replacedBySyncRunId),
  };
}

export const overviewItem = z
  .object({
    id: typeId('ovi'),
    direction,
    record_type: recordTypeName,
    action: overviewAction,
    record_id: typeId('rec')
      .nullable()
      .meta({ description: 'null = the record does not exist in Syncline yet.' }),
    external_id: z.string().nullable(),
    remote_id: z.string().nullable(),
    before: orNull(jsonObject).meta({
      description:
        'The current values of the fields that would change; null = there is no record yet, or ' +
        'it cannot be read.',
    }),
    after: orNull(jsonObject).meta({ description: 'The values of these fields after the sync.' }),
    reason: z.string().nullable(),
    outcome: z.enum(['applied', 'skipped']).nullable().meta({
      description: 'The result of applying the item. `skipped`: the record had changed since the overview.',
    }),
  })
  .meta({ id: 'OverviewItem' });

export function toWireItem(item: OverviewItem): z.output<typeof overviewItem> {
  return {
    id: toTypeId('ovi', item.overviewItemId),
    direction: item.direction,
    record_type: item.recordType,
    action: item.action,
    record_id: item.recordId === null ? null : toTypeId('rec', item.recordId),
    external_id: item.externalId,
    remote_id: item.remoteId,
    before: item.before,
    after: item.after,
    reason: item.reason,
    outcome: item.outcome,
  };
}

export const operation = z
  .object({
    id: typeId('opr'),
    kind: z.enum(OPERATION_KINDS).meta({ id: 'OperationKind' }),
    integration_id: typeId('int'),
    overview_id: typeId('ovw').nullable(),
    sync_run_id: typeId('run').nullable(),
    requested_by: z.string(),
    requested_at: instant,
    ended_at: instant
      .nullable()
      .meta({ description: 'null = still running. The overview or the sync run shows the progress.' }),
  })
  .meta({ id: 'Operation' });

export function toWireOperation(one: Operation): z.output<typeof operation> {
  return {
    id: toTypeId('opr', one.operationId),
    kind: one.kind,
    integration_id: toTypeId('int', one.integrationId),
    overview_id: one.overviewId === null ? null : toTypeId('ovw', one.overviewId),
    sync_run_id: one.syncRunId === null ? null : toTypeId('run', one.syncRunId),
    requested_by: one.requestedBy,
    requested_at: toInstant(one.requestedAt),
    ended_at: toInstantOrNull(one.endedAt),
  };
}
