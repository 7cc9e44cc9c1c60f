/**
 * Pushes that waited for another record become due once the third party has it; those that were sent with
 * another id of it are sent again (docs/decisions/0033).
 */
import { sql } from 'kysely';
import { PUSH_KINDS } from '../../../domain/push/push-kind';
import type { TenantWork } from '../../database';
import { enqueuePush } from '../../platform/outbox';
import { opaqueToPlanner, rowsFrom } from '../../sql/bulk-rows';
import { FIRST_ID } from '../../sql/ids';
import type { ReferenceState } from '../../tables/records';

/** A record that the third party has now, under this id. */
export interface LinkedTarget {
  recordType: string;
  externalId: string;
  remoteId: string;
}

const RECORDS_PER_STEP = 500;

interface WaitingRow {
  recordId: string;
  state: ReferenceState;
  dueAt: Date | null;
  waitsUntil: Date | null;
}

/** In chunks: many records may wait for one. Safe to repeat. */
export async function endWaits(
  inTenant: <T>(work: (tenant: TenantWork) => Promise<T>) => Promise<T>,
  integrationId: string,
  targets: readonly LinkedTarget[],
): Promise<void> {
  let after: string | null = targets.length === 0 ? null : FIRST_ID;
  while (after !== null) {
    const from: string = after;
    after = await inTenant((work) => endWaitsOfChunk(work, integrationId, targets, from));
  }
}

/** @returns the last record of the chunk; null = there are no more. */
async function endWaitsOfChunk(
  work: TenantWork,
  integrationId: string,
  targets: readonly LinkedTarget[],
  after: string,
): Promise<string | null> {
  const { trx, tenantId } = work;
  const wanted = targets.map(({ recordType, externalId, remoteId }) => ({
    record_type: recordType,
    external_id: externalId,
    remote_id: remoteId,
  }));
  const { rows } = await sql<WaitingRow>`
    select waiting.record_id, waiting.state, waiting.due_at, waiting.waits_until
    from ${rowsFrom(wanted, 'record_type text, external_id text, remote_id text')}
    cross join lateral (
      select record_id, state, due_at, waits_until from push_references
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_type = row.record_type and external_id = row.external_id and record_id > ${after}::uuid
        and (state <> 'sent' or remote_id <> row.remote_id)
      order by record_id limit ${RECORDS_PER_STEP}) waiting
    order by waiting.record_id, waiting.state = 'sent', waiting.state <> 'missing'
    limit ${RECORDS_PER_STEP}`.execute(trx);
  await makeDue(work, integrationId, rows);
  return rows.length === RECORDS_PER_STEP ? (rows.at(-1)?.recordId ?? null) : null;
}

/**
 * Only what still waits as it was written: a change since then has its own deadline. Of several rows of a
 * record the first one says how it waits: a record that lacks another one has failed, whatever else it waits
 * for. Safe to repeat.
 */
export async function makeDue(
  work: TenantWork,
  integrationId: string,
  waiting: readonly WaitingRow[],
): Promise<void> {
  const { trx, tenantId, now } = work;
  const byRecord = new Map(waiting.toReversed().map((row) => [row.recordId, row]));
  if (byRecord.size === 0) return;
  const rows = [...byRecord.values()]
    .sort((a, b) => (a.recordId < b.recordId ? -1 : 1))
    .map(({ recordId, state, dueAt, waitsUntil }) => ({
      record_id: recordId,
      state,
      due_at: dueAt ?? now,
      waits_until: waitsUntil,
    }));
  const { rows: locked } = await sql<{ recordId: string }>`
    select known.record_id
    from ${rowsFrom(rows, 'record_id uuid, state text, due_at timestamptz, waits_until timestamptz')}
    cross join lateral (
      select record_id from record_syncs
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = row.record_id and lease_until is null and discarded_at is null
        and case row.state
          when 'missing' then window_opened_at is null and push_id is null and result_status = 'sync_failed'
          when 'sent' then push_id is null
          else coalesce(due_at, next_attempt_at) = row.waits_until end
      for update) known`.execute(trx);
  const due = new Set(locked.map(({ recordId }) => recordId));
  const changed = rows.filter(({ record_id: recordId }) => due.has(recordId));
  if (changed.length === 0) return;
  // The rows exist and are locked: each is found by its key (db/sql/bulk-rows.ts).
  await sql`
    insert into record_syncs as record_sync (tenant_id, integration_id, record_id, relevant_version, result_hash,
      window_opened_at, due_at, next_attempt_at)
    select ${tenantId}::uuid, ${integrationId}::uuid, record_id, 0, case when state = 'sent' then '' end,
      ${now}::timestamptz, due_at, waits_until
    from ${rowsFrom(changed, 'record_id uuid, state text, due_at timestamptz, waits_until timestamptz')}
    on conflict (tenant_id, integration_id, record_id) do update set
      due_at = case
        when record_sync.push_id is not null and record_sync.window_opened_at is null then null
        when record_sync.window_opened_at is null then ${now}::timestamptz
        when record_sync.due_at = excluded.next_attempt_at then excluded.due_at
        else record_sync.due_at end,
      window_opened_at = case when record_sync.push_id is null
        then coalesce(record_sync.window_opened_at, excluded.window_opened_at) else record_sync.window_opened_at end,
      window_reason = case when record_sync.push_id is null
        then coalesce(record_sync.window_reason, 'initial') else record_sync.window_reason end,
      push_priority = case when record_sync.window_opened_at is null then ${PUSH_KINDS.bulk}
        else record_sync.push_priority end,
      next_attempt_at = case when record_sync.next_attempt_at = excluded.next_attempt_at then ${now}::timestamptz
        else record_sync.next_attempt_at end,
      result_hash = case when excluded.result_hash = '' then null else record_sync.result_hash end`.execute(
    trx,
  );
  await enqueuePush(work, { integrationId, nextDueAt: now });
}
