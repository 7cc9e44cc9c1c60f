/**
 * What a claim writes: the push log, and the record syncs it leases, ends or lets wait. Statements for
 * `runTogether` in the transaction that holds them locked.
 */
import { type RawBuilder, sql } from 'kysely';
import { PUSH_KINDS } from '../../domain/push/push-kind';
import type { MappingError } from '../../domain/records/mapping';
import type { SyncError } from '../../domain/sync-error';
import type { TenantWork } from '../database';
import type { ClaimOptions, DecidedPush } from './claim';
import { idList, keysOf, opaqueToPlanner, rowsFrom } from '../sql/bulk-rows';

const PUSH_COLUMNS = `push_id uuid, record_id uuid, record_version bigint, operation text, started_because text,
  changed_fields text[], changed_by text[], payload jsonb, result text, errors jsonb, attempts int,
  finished_at timestamptz`;

/** A row per push, written at the claim. A push that it replaces is closed as superseded. */
export function logClaim(
  { tenantId }: TenantWork,
  decided: DecidedPush[],
  { integration, now }: ClaimOptions,
): RawBuilder<unknown>[] {
  const superseded = decided.flatMap(({ recordSync, decision }) => {
    const isReplaced =
      recordSync.pushId !== null &&
      (decision.kind === 'end' ||
        decision.kind === 'invalid' ||
        (decision.kind === 'push' && decision.isNew));
    return isReplaced ? [recordSync.pushId as string] : [];
  });
  const closed = sql`
    update pushes set result = 'superseded', finished_at = ${now}
    where tenant_id = ${opaqueToPlanner(tenantId)} and push_id = any(${idList(superseded)})`;
  const rows = decided.flatMap((one) => pushRow(one, now));
  const statements = superseded.length > 0 ? [closed] : [];
  if (rows.length > 0) {
    statements.push(sql`
      insert into pushes (tenant_id, push_id, integration_id, record_id, record_version, mapping_version,
        operation, started_because, changed_fields, changed_by,
        payload, result, errors, attempts, started_at, finished_at)
      select ${tenantId}::uuid, push_id, ${integration.integrationId}::uuid, record_id, record_version,
        ${integration.mappingVersion}::int, operation, started_because,
        changed_fields, changed_by, payload, result, errors, attempts, ${now}::timestamptz, finished_at
      from ${rowsFrom(rows, PUSH_COLUMNS)}`);
  }
  return statements;
}

function pushRow({ recordSync, record, target, decision, pushId }: DecidedPush, now: Date): object[] {
  if (decision.kind === 'wait' || (decision.kind === 'push' && !decision.isNew)) return [];
  const isEnded = decision.kind !== 'push';
  return [
    {
      push_id: pushId,
      record_id: record.recordId,
      record_version: record.version,
      operation: target.operation === 'invalid' ? 'upsert' : target.operation,
      started_because: recordSync.windowReason ?? 'quiet',
      changed_fields: recordSync.windowFields,
      changed_by: recordSync.windowChangedBy,
      payload: target.operation === 'upsert' ? target.payload : null,
      result: decision.kind === 'end' ? decision.result : isEnded ? 'failed' : null,
      errors: decision.kind === 'invalid' ? decision.errors.map(toSyncError) : null,
      attempts: 0,
      finished_at: isEnded ? now : null,
    },
  ];
}

export function toSyncError(error: MappingError): SyncError {
  const { isReference = false } = error;
  return {
    category: 'config',
    origin: 'us',
    code: isReference ? 'reference_not_there' : 'mapping_failed',
    field: error.field,
    remote_field: error.to,
    message: error.message,
    explanation: isReference
      ? 'Once the app has that record, this one is pushed again automatically.'
      : `The mapping of ${error.field} cannot express this value. ` +
        'Correct the value or the mapping; the record is then pushed again automatically.',
  };
}

export function writeClaimedRecordSyncs(
  work: TenantWork,
  decided: DecidedPush[],
  options: ClaimOptions,
  claimId: string,
): RawBuilder<unknown>[] {
  const ended = decided.filter(({ decision }) => decision.kind === 'end' || decision.kind === 'invalid');
  const waiting = decided.filter(({ decision }) => decision.kind === 'wait');
  return [
    ...leaseRecordSyncs(work, decided, options, claimId),
    ...endRecordSyncs(work, ended, options),
    ...letRecordSyncsWait(work, waiting, options),
  ];
}

const NO_WINDOW = sql`window_opened_at = null, due_at = null, window_reason = null, window_fields = '{}',
  window_changed_by = '{}', window_effect = null, held_at = null, held_by = null,
  push_review_id = null`;

/** When the retries of a push end, by the integration's retry clock. They count from its first claim. */
export function giveUpAtOf(
  { recordSync, decision }: DecidedPush,
  { firedAt, giveUpAfterMs, integration }: ClaimOptions,
): Date {
  const isNew = decision.kind !== 'push' || decision.isNew;
  const retryClock = firedAt.getTime() - integration.retryClockStoppedMs;
  return (isNew ? null : recordSync.giveUpAt) ?? new Date(retryClock + giveUpAfterMs);
}

function leaseRecordSyncs(
  { tenantId }: TenantWork,
  decided: DecidedPush[],
  options: ClaimOptions,
  claimId: string,
): RawBuilder<unknown>[] {
  const rows = decided.flatMap((one) => {
    const { recordSync, record, hash, decision, pushId } = one;
    if (decision.kind !== 'push') return [];
    return [
      {
        record_id: record.recordId,
        push_id: pushId,
        push_version: record.version,
        push_hash: hash,
        unresolved_push_id: one.unresolvedPushId,
        push_refusals: decision.isNew ? 0 : recordSync.pushRefusals,
        give_up_at: giveUpAtOf(one, options),
      },
    ];
  });
  if (rows.length === 0) return [];
  const leased = sql`
    update record_syncs record_sync set push_id = row.push_id, push_version = row.push_version,
      push_hash = row.push_hash, push_refusals = row.push_refusals, give_up_at = row.give_up_at,
      claim_id = ${claimId}, lease_until = ${options.leaseUntil}, last_push_id = row.push_id,
      unresolved_push_id = row.unresolved_push_id, next_attempt_at = null, ${NO_WINDOW}
    from ${rowsFrom(
      rows,
      `record_id uuid, push_id uuid, push_version bigint, push_hash text, push_refusals int,
        give_up_at timestamptz, unresolved_push_id uuid`,
    )}
    where record_sync.tenant_id = ${opaqueToPlanner(tenantId)}
      and record_sync.integration_id = ${opaqueToPlanner(options.integration.integrationId)}
      and record_sync.record_id = any(${keysOf(rows, 'record_id')})
      and record_sync.record_id = row.record_id`;
  return [leased];
}

/**
 * Leaving the remote record as it is succeeds, a mapping that cannot express the record fails, an undone edit
 * keeps the last result.
 */
function endRecordSyncs(
  { tenantId }: TenantWork,
  decided: DecidedPush[],
  { integration }: ClaimOptions,
): RawBuilder<unknown>[] {
  const rows = decided.map(({ recordSync, record, hash, decision, pushId, unresolvedPushId }) => ({
    record_id: record.recordId,
    unresolved_push_id: unresolvedPushId,
    version: record.version,
    result_hash: decision.kind === 'end' && decision.result === 'discarded' ? null : hash,
    result_status:
      decision.kind === 'invalid'
        ? 'sync_failed'
        : decision.kind === 'end' && decision.result === 'left'
          ? 'synced'
          : recordSync.resultStatus,
    errors: decision.kind === 'invalid' ? decision.errors.map(toSyncError) : null,
    last_push_id: decision.kind === 'invalid' ? pushId : null,
  }));
  if (rows.length === 0) return [];
  const ended = sql`
    insert into record_syncs as record_sync (tenant_id, integration_id, record_id, relevant_version,
      result_version, result_hash, result_status, errors, unresolved_push_id, last_push_id)
    select ${tenantId}::uuid, ${integration.integrationId}::uuid, record_id, version, version, result_hash,
      result_status, errors, unresolved_push_id, last_push_id
    from ${rowsFrom(
      rows,
      `
        record_id uuid, version bigint, result_hash text, result_status text, errors jsonb,
        unresolved_push_id uuid, last_push_id uuid`,
    )}
    on conflict (tenant_id, integration_id, record_id) do update set
      last_push_id = coalesce(excluded.last_push_id, record_sync.last_push_id),
        result_version = excluded.result_version, result_hash = excluded.result_hash,
          result_status = excluded.result_status, errors = coalesce(excluded.errors, record_sync.errors),
      unresolved_push_id = excluded.unresolved_push_id, push_id = null, push_version = null,
        push_hash = null, push_refusals = 0, is_push_failing = false, give_up_at = null,
      claim_id = null, lease_until = null, next_attempt_at = null, is_backfill = false, ${NO_WINDOW}`;
  return [ended];
}

/**
 * A record that waits for its references is not due before they are known or the wait ends. Its window stays
 * open, and so does a push that is repeated.
 */
function letRecordSyncsWait(
  { tenantId }: TenantWork,
  decided: DecidedPush[],
  { integration, firedAt }: ClaimOptions,
): RawBuilder<unknown>[] {
  if (decided.length === 0) return [];
  const idsOf = (some: DecidedPush[]) => some.map(({ record }) => record.recordId);
  const referring = decided.filter(({ references }) => (references?.waitsUntil ?? null) !== null);
  const waitsUntil = referring[0]?.references?.waitsUntil ?? null;
  const isReferring = sql`record_id = any(${idsOf(referring)}::uuid[])`;
  const lostCreations = idsOf(decided.filter(({ unresolvedPushId }) => unresolvedPushId !== null));
  const waiting = sql`
    update record_syncs record_sync set push_refusals = 0,
      is_push_failing = is_push_failing and push_id is not null,
      give_up_at = case when push_id is not null then give_up_at end,
      claim_id = null, lease_until = null,
      next_attempt_at = case when ${isReferring} then ${waitsUntil}::timestamptz else ${firedAt} end,
      due_at = case when not ${isReferring} then due_at
        when window_opened_at is not null then ${waitsUntil}::timestamptz end,
        last_push_id = coalesce(push_id, last_push_id), is_backfill = false,
      -- What waits for others in a backfill is no edit.
      push_priority = case when is_backfill then ${PUSH_KINDS.bulk} else push_priority end,
      unresolved_push_id = case when record_id = any(${lostCreations}::uuid[])
        then coalesce(unresolved_push_id, push_id) else unresolved_push_id end
    where tenant_id = ${opaqueToPlanner(tenantId)}
      and integration_id = ${opaqueToPlanner(integration.integrationId)} and
      record_id = any(${idList(idsOf(decided))})`;
  return [waiting];
}
