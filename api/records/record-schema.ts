/** The JSON of a record: its fields, its badge, and the integrations of each field (rules.md 3, 12). */
import { z } from 'zod';
import { toTypeId } from '../../db/sql/ids';
import type { Integration } from '../../db/integrations/integrations';
import type { Drift } from '../../db/verify/drifts';
import { isLocked } from '../../domain/onboarding';
import type { RecordSyncSummary, StoredRecord } from '../../db/records/records';
import { badgeOf } from '../../domain/records/badge';
import { isEligible, namesOf } from '../../domain/records/mapping';
import { unverifiedSince } from '../../domain/records/verification';
import {
  orNull,
  externalId,
  instant,
  jsonObject,
  recordTypeName,
  startedBecause,
  statusName,
  syncError,
  toInstant,
  toInstantOrNull,
  typeId,
} from '../routing/common-schemas';
import { driftOfRecord, toWireDriftOfRecord } from '../sync-runs/drift-schema';
import { syncOutlook, toWireOutlook } from './sync-outlook-schema';

const badge = z
  .object({
    status: orNull(statusName).meta({
      description:
        'The most important status of all integrations: sync_failed, then syncing, sync_pending, ' +
        'synced. null = no integration syncs this record.',
    }),
    counts: z.object({ sync_failed: z.int(), syncing: z.int(), sync_pending: z.int(), synced: z.int() }),
    is_paused: z.boolean().meta({
      description: 'True if one of these integrations is paused; its last status is shown.',
    }),
    is_unverified: z.boolean().meta({
      description:
        'True if a record that counts as synced was not compared with one of these apps since the database ' +
        'of Syncline was restored: see unverified_since of its syncs.',
    }),
  })
  .meta({ id: 'Badge' });

const lastPush = z
  .object({
    id: typeId('psh'),
    result: z.string().nullable(),
    effect: z.string().nullable(),
    started_because: startedBecause,
    started_at: instant,
    finished_at: instant.nullable(),
    remote_id: z.string().nullable(),
  })
  .meta({ id: 'LastPush' });

const recordSyncSchema = z
  .object({
    integration_id: typeId('int'),
    app: z.string(),
    account_name: z.string(),
    status: orNull(statusName).meta({ description: 'null = never pushed, and nothing is pending.' }),
    is_eligible: z.boolean(),
    ...syncOutlook,
    errors: z.array(syncError),
    last_synced_at: instant.nullable(),
    discarded_at: instant.nullable().meta({
      description:
        'When a pending change was last discarded. The app lacks that change until the next ' +
        'successful push. null = no change is missing.',
    }),
    discarded_by: z.string().nullable(),
    last_push: orNull(lastPush),
    drifts: z.array(driftOfRecord).meta({
      description: 'What was changed in the app since the last push, as the last nightly run found it.',
    }),
    fields: z.array(z.object({ name: z.string(), to: z.string() })).meta({
      description: 'The fields of the record that are pushed to this integration, and their targets.',
    }),
  })
  .meta({ id: 'RecordSyncOfRecord' });

export const recordSummary = z
  .object({
    id: typeId('rec'),
    record_type: recordTypeName,
    external_id: externalId,
    version: z.int(),
    fields: jsonObject,
    is_deleted: z.boolean(),
    occurred_at: instant,
    changed_at: instant,
    changed_by: z.string(),
    created_at: instant,
    is_partial: z.boolean().meta({
      description:
        'True if an integration that pulls this record type is being onboarded: the record may ' +
        'be incomplete and cannot be changed until the onboarding is done.',
    }),
    badge,
  })
  .meta({ id: 'RecordSummary' });

export const recordView = recordSummary
  .extend({
    field_syncs: z
      .record(z.string(), z.array(z.string()))
      .meta({ description: 'For each synced field, the integrations to which it is pushed.' }),
    syncs: z.array(recordSyncSchema),
  })
  .meta({ id: 'Record' });

export function toWireSummary(
  record: StoredRecord,
  recordSyncs: readonly RecordSyncSummary[],
  integrations: readonly Integration[],
): z.output<typeof recordSummary> {
  const states = statesOf(record, recordSyncs, integrations);
  const { status, counts, isPaused, isUnverified } = badgeOf(
    states.map(({ recordSync, eligible, integration }) => ({
      status: recordSync?.status ?? null,
      isEligible: eligible,
      isPaused: integration.pausedAt !== null,
      isUnverified:
        recordSync !== undefined &&
        unverifiedSince(recordSync, integration.unverifiedTypes[record.recordType]) !== null,
    })),
  );
  return {
    id: toTypeId('rec', record.recordId),
    record_type: record.recordType,
    external_id: record.externalId,
    version: record.version,
    fields: record.fields,
    is_deleted: record.deletedAt !== null,
    occurred_at: toInstant(record.occurredAt),
    changed_at: toInstant(record.changedAt),
    changed_by: record.changedBy,
    created_at: toInstant(record.createdAt),
    is_partial: integrations.some((integration) => isLocked(integration, record.recordType)),
    badge: { status, counts, is_paused: isPaused, is_unverified: isUnverified },
  };
}

export function toWireRecord(
  record: StoredRecord,
  recordSyncs: readonly RecordSyncSummary[],
  integrations: readonly Integration[],
  drifts: readonly Drift[],
): z.output<typeof recordView> {
  const states = statesOf(record, recordSyncs, integrations);
  const fieldSyncs = new Map<string, string[]>();
  for (const { mapping, integration } of states) {
    for (const name of new Set(mapping?.fields.flatMap(namesOf)))
      fieldSyncs.set(name, [...(fieldSyncs.get(name) ?? []), toTypeId('int', integration.integrationId)]);
  }
  return {
    ...toWireSummary(record, recordSyncs, integrations),
    field_syncs: Object.fromEntries(fieldSyncs),
    syncs: states.map((state) => toWireSync(record, state, drifts)),
  };
}

type SyncState = ReturnType<typeof statesOf>[number];

/** The record at each integration that maps its type or still has a record sync for it. */
function statesOf(
  record: StoredRecord,
  recordSyncs: readonly RecordSyncSummary[],
  integrations: readonly Integration[],
) {
  const recordSyncOf = new Map(recordSyncs.map((recordSync) => [recordSync.integrationId, recordSync]));
  return integrations.flatMap((integration) => {
    const mapping = integration.recordTypes[record.recordType];
    const recordSync = recordSyncOf.get(integration.integrationId);
    if (mapping === undefined && recordSync === undefined) return [];
    return [
      {
        integration,
        mapping,
        recordSync,
        eligible: isEligible(mapping, { fields: record.fields, isDeleted: record.deletedAt !== null }),
      },
    ];
  });
}

function toWireSync(
  record: StoredRecord,
  { integration, mapping, recordSync, eligible }: SyncState,
  drifts: readonly Drift[],
): z.output<typeof recordSyncSchema> {
  return {
    integration_id: toTypeId('int', integration.integrationId),
    app: integration.app,
    account_name: integration.accountName,
    status: recordSync?.status ?? null,
    is_eligible: eligible,
    ...toWireOutlook(recordSync, integration, record.recordType),
    errors: recordSync?.errors ?? [],
    last_synced_at: toInstantOrNull(recordSync?.lastSyncedAt ?? null),
    discarded_at: toInstantOrNull(recordSync?.discardedAt ?? null),
    discarded_by: recordSync?.discardedBy ?? null,
    last_push: toWireLastPush(recordSync?.lastPush ?? null),
    drifts: drifts
      .filter(({ integrationId }) => integrationId === integration.integrationId)
      .map(toWireDriftOfRecord),
    fields: mapping?.fields.flatMap(({ name, to }) => (name === undefined ? [] : [{ name, to }])) ?? [],
  };
}

function toWireLastPush(push: RecordSyncSummary['lastPush']): z.output<typeof lastPush> | null {
  if (push === null) return null;
  return {
    id: toTypeId('psh', push.pushId),
    result: push.result,
    effect: push.effect,
    started_because: push.startedBecause,
    started_at: toInstant(push.startedAt),
    finished_at: toInstantOrNull(push.finishedAt),
    remote_id: push.remoteId,
  };
}
