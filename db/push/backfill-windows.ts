/** The windows that a backfill opens or revises, with what their pushes change (rules.md 15, 53). */
import { sql } from 'kysely';
import type { JsonObject } from '../../domain/json';
import { type BrakedEffect, effectOfPush } from '../../domain/push/braked-effect';
import {
  mappedFieldNames,
  pushTarget,
  type RecordTypeMapping,
  type RecordTypeMappings,
} from '../../domain/records/mapping';
import type { SyncError } from '../../domain/sync-error';
import type { TenantWork } from '../database';
import type { Integration } from '../integrations/integrations';
import { hashOfTarget } from '../records/payload-hash';
import { keysOf, opaqueToPlanner, rowsFrom } from '../sql/bulk-rows';
import type { DecidedPush } from './claim';

export interface ExistingRecord {
  recordId: string;
  recordType: string;
  version: number;
  fields: JsonObject;
  deletedAt: Date | null;
  /** Null columns: the record has no sync with this integration yet. */
  hasRecordSync: boolean;
  /** A pull found it gone there. */
  isAbsent: boolean;
  isWindowOpen: boolean;
  /** Hash of the push in progress, else of the last result. */
  knownHash: string | null;
  hasBeenSent: boolean;
  isBackfill: boolean;
  windowEffect: BrakedEffect | null;
  /** Null columns: the record is not linked. */
  remoteId: string | null;
  isDeactivated: boolean | null;
  agreed: JsonObject | null;
  errors: SyncError[] | null;
}

/** What a push under this mapping changes at the third party; null also if it would change nothing. */
export function effectOf(mapping: RecordTypeMapping, record: ExistingRecord): BrakedEffect | null {
  const target = pushTarget(mapping, { fields: record.fields, isDeleted: record.deletedAt !== null });
  if (hashOfTarget(target) === record.knownHash) return null;
  return effectOfPush(mapping, target, {
    isLinked: record.remoteId !== null,
    isDeactivated: record.isDeactivated ?? false,
    hasBeenSent: record.hasBeenSent,
    agreed: record.agreed,
  });
}

/**
 * Open windows push by the new mapping too, so their effects are counted with those of the backfill: those of
 * earlier backfills, and all whose records the new mapping deactivates or deletes.
 */
export async function reviseOpenWindows(
  { trx, tenantId }: TenantWork,
  {
    integrationId,
    mappings,
    records,
  }: { integrationId: string; mappings: RecordTypeMappings; records: ExistingRecord[] },
): Promise<void> {
  const rows = records.flatMap((record) => {
    const effect = effectOf(mappings[record.recordType] as RecordTypeMapping, record);
    const isLeaving = effect === 'deactivate' || effect === 'delete';
    if (effect === record.windowEffect || !(record.isBackfill || isLeaving)) return [];
    return [{ record_id: record.recordId, record_type: record.recordType, effect }];
  });
  if (rows.length === 0) return;
  await sql`
    update record_syncs record_sync set window_effect = row.effect, window_record_type = row.record_type,
      is_backfill = true
    from ${rowsFrom(rows, 'record_id uuid, record_type text, effect text')}
    where record_sync.tenant_id = ${opaqueToPlanner(tenantId)}
      and record_sync.integration_id = ${opaqueToPlanner(integrationId)}
      and record_sync.record_id = any(${keysOf(rows, 'record_id')})
      and record_sync.record_id = row.record_id and record_sync.window_opened_at is not null`.execute(trx);
}

/**
 * Pushes that would deactivate or delete by a mapping whose backfill has not counted them yet wait for it.
 * @returns their record ids; the rows are locked and due.
 */
export async function leaveToBackfill(
  { trx, tenantId, now }: TenantWork,
  { integrationId }: Pick<Integration, 'integrationId'>,
  due: readonly Pick<DecidedPush, 'recordSync' | 'record' | 'target' | 'decision' | 'unresolvedPushId'>[],
): Promise<readonly string[]> {
  const rows = due.flatMap(({ recordSync, record, target: { operation }, decision, unresolvedPushId }) =>
    decision.kind === 'push' &&
    decision.isNew &&
    (operation === 'deactivate' || operation === 'delete') &&
    recordSync.windowEffect !== operation
      ? [
          {
            record_id: record.recordId,
            record_type: record.recordType,
            effect: operation,
            unresolved_push_id: unresolvedPushId,
          },
        ]
      : [],
  );
  if (rows.length === 0) return [];
  await sql`
    update record_syncs record_sync set window_effect = row.effect, window_record_type = row.record_type,
      is_backfill = true, window_opened_at = coalesce(window_opened_at, ${now}::timestamptz),
      due_at = coalesce(due_at, ${now}::timestamptz),
      window_reason = coalesce(window_reason, 'mapping_changed'), claim_id = null, lease_until = null,
      -- A worker that held the lease may have died during a creation.
      unresolved_push_id = row.unresolved_push_id
    from ${rowsFrom(rows, 'record_id uuid, record_type text, effect text, unresolved_push_id uuid')}
    where record_sync.tenant_id = ${opaqueToPlanner(tenantId)}
      and record_sync.integration_id = ${opaqueToPlanner(integrationId)}
      and record_sync.record_id = any(${keysOf(rows, 'record_id')})
      and record_sync.record_id = row.record_id`.execute(trx);
  return rows.map(({ record_id: recordId }) => recordId);
}

export async function openWindows(
  { trx, tenantId }: TenantWork,
  {
    integration: { integrationId, gracePeriodMs },
    reason,
    mappings,
    records,
    now,
  }: {
    integration: Pick<Integration, 'integrationId' | 'gracePeriodMs'>;
    reason: 'initial' | 'mapping_changed';
    mappings: RecordTypeMappings;
    records: ExistingRecord[];
    now: Date;
  },
): Promise<void> {
  if (records.length === 0) return;
  const rows = records.map((record) => {
    const mapping = mappings[record.recordType] as RecordTypeMapping;
    return {
      record_id: record.recordId,
      record_type: record.recordType,
      version: record.version,
      fields: mappedFieldNames(mapping),
      effect: effectOf(mapping, record),
    };
  });
  // An edit of a mapping can be undone before its pushes leave.
  const dueAt = reason === 'initial' ? now : new Date(now.getTime() + gracePeriodMs);
  await sql`
    insert into record_syncs as record_sync (tenant_id, integration_id, record_id, relevant_version,
      window_opened_at, due_at, window_reason, window_fields, window_changed_by, is_backfill, window_effect,
      window_record_type)
    select ${tenantId}::uuid, ${integrationId}::uuid, record_id, version, ${now}::timestamptz,
      ${dueAt}::timestamptz, ${reason}, fields, array['syncline'], true, effect, record_type
    from ${rowsFrom(rows, 'record_id uuid, record_type text, version bigint, fields text[], effect text')}
    on conflict (tenant_id, integration_id, record_id) do update set
      relevant_version = excluded.relevant_version, window_opened_at = excluded.window_opened_at,
        due_at = excluded.due_at, window_reason = excluded.window_reason,
      window_fields = excluded.window_fields, window_changed_by = excluded.window_changed_by,
        is_backfill = true, window_effect = excluded.window_effect,
        window_record_type = excluded.window_record_type
    where record_sync.window_opened_at is null`.execute(trx);
}
