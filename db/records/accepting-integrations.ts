/** What an acceptance reads about integrations: their settings, and the state of their record syncs. */
import { sql } from 'kysely';
import {
  type AcceptingIntegration,
  recordSyncKey,
  type RecordSyncState,
} from '../../domain/push/plan-record-syncs';
import type { TenantWork } from '../database';
import { isOfExistingIntegration } from '../platform/background-tasks';
import { opaqueToPlanner } from '../sql/bulk-rows';
import type { RecordSyncStatus } from '../tables/records';

/**
 * The integrations that map one of these record types, with the mappings of these types only: a tenant may
 * have many others. `except`: a pulled record is a change for every integration but the one it came from
 * (rules.md 17).
 */
export async function findAcceptingIntegrations(
  { trx, tenantId }: TenantWork,
  { recordTypes, except = null }: { recordTypes: readonly string[]; except?: string | null },
): Promise<AcceptingIntegration[]> {
  const { rows } = await sql<AcceptingIntegration>`
    select integration_id, mapping_version, grace_period_ms, max_wait_ms, paused_at, onboarding_started_at,
      onboarded_at, paused_at is null and needs_reauthorization_at is null as is_working,
      (select jsonb_object_agg(wanted.name, record_types -> wanted.name)
        from unnest(${recordTypes}::text[]) as wanted(name) where record_types ? wanted.name) as record_types
    from integrations
    where tenant_id = ${tenantId} and deleted_at is null and record_types ?| ${recordTypes}::text[]
      and integration_id is distinct from ${except}::uuid
    order by integration_id`.execute(trx);
  return rows;
}

interface RecordSyncRow {
  integrationId: string;
  recordId: string;
  status: RecordSyncStatus | null;
  windowOpenedAt: Date | null;
  dueAt: Date | null;
  heldAt: Date | null;
  pushId: string | null;
  resultStatus: string | null;
  unresolvedPushId: string | null;
  resultHash: string | null;
}

/** A record sync as people see it, and the state that an acceptance depends on. */
export interface LockedRecordSync extends RecordSyncState {
  integrationId: string;
  recordId: string;
  status: RecordSyncStatus | null;
  dueAt: Date | null;
}

/** Locks the record syncs of existing records, in the order of records and integrations. */
export async function lockRecordSyncs(
  { trx, tenantId }: TenantWork,
  records: readonly { recordId: string }[],
): Promise<ReadonlyMap<string, LockedRecordSync>> {
  if (records.length === 0) return new Map();
  const recordIds = records.map(({ recordId }) => recordId).sort();
  const { rows } = await sql<RecordSyncRow>`
    select record_sync.*
    from unnest(${recordIds}::uuid[]) as wanted(record_id)
    cross join lateral (
      select integration_id, record_id, status, window_opened_at, due_at, held_at, push_id, result_status,
        unresolved_push_id, result_hash
      from record_syncs where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = wanted.record_id
        and ${isOfExistingIntegration(tenantId, 'integration_id')}
      order by integration_id for update) record_sync`.execute(trx);
  return new Map(rows.map((row) => [recordSyncKey(row), toState(row)]));
}

function toState(row: RecordSyncRow): LockedRecordSync {
  const { integrationId, recordId, status, windowOpenedAt: openedAt, dueAt } = row;
  return {
    integrationId,
    recordId,
    status,
    dueAt,
    window: openedAt === null || dueAt === null ? null : { openedAt, dueAt },
    isHeld: row.heldAt !== null,
    isPushOpen: row.pushId !== null,
    // A creation whose response was lost may have happened, whatever the later pushes did.
    hasResult: row.resultStatus !== null || row.unresolvedPushId !== null,
    resultHash: row.resultHash,
  };
}
