/** What a claim and its results store about the records that pushes refer to. */
import { sql } from 'kysely';
import { PUSH_KINDS } from '../../../domain/push/push-kind';
import type { TenantWork } from '../../database';
import { idList, opaqueToPlanner, rowsFrom } from '../../sql/bulk-rows';
import type { DecidedPush } from '../claim';
import type { ReferencesOfPush } from './references-of-push';

type Referring = DecidedPush & { references: ReferencesOfPush };

const isReferring = (one: DecidedPush): one is Referring => one.references !== undefined;

/** The references of the last payload take the place of those before. */
export async function writeReferences(
  { trx, tenantId }: TenantWork,
  integrationId: string,
  decided: readonly DecidedPush[],
): Promise<void> {
  const referring = decided.filter(isReferring);
  if (referring.length === 0) return;
  await sql`
    delete from push_references where tenant_id = ${opaqueToPlanner(tenantId)}
      and integration_id = ${opaqueToPlanner(integrationId)}
      and record_id = any(${idList(referring.map(({ record }) => record.recordId))})`.execute(trx);
  const rows = referring.flatMap(({ record, recordSync, references }) =>
    references.rows.map(({ place, recordType, id, targetId, field, state, remoteId }) => ({
      record_id: record.recordId,
      place,
      record_type: recordType,
      external_id: id,
      target_id: targetId,
      field,
      state,
      remote_id: remoteId,
      due_at: references.waitsUntil === null ? null : recordSync.nextDueAt,
      waits_until: references.waitsUntil,
    })),
  );
  if (rows.length === 0) return;
  await sql`
    insert into push_references (tenant_id, integration_id, record_id, place, record_type, external_id, target_id,
      field, state, remote_id, due_at, waits_until)
    select ${tenantId}::uuid, ${integrationId}::uuid, record_id, place, record_type, external_id, target_id, field,
      state, remote_id, due_at, waits_until
    from ${rowsFrom(
      rows,
      `record_id uuid, place text, record_type text, external_id text, target_id uuid, field text, state text,
        remote_id text, due_at timestamptz, waits_until timestamptz`,
    )}
    on conflict do nothing`.execute(trx);
}

/**
 * After pushes without some of their references: the records are not Synced yet, and wait for the rest
 * (rules.md 47).
 */
export async function reopenIncomplete(
  { trx, tenantId, now }: TenantWork,
  integrationId: string,
  incomplete: readonly { recordId: string; leftOut: readonly string[] }[],
  waitsUntil: Date,
): Promise<void> {
  if (incomplete.length === 0) return;
  const rows = incomplete.map(({ recordId, leftOut }) => ({ record_id: recordId, fields: leftOut }));
  // The rows exist and are locked: each is found by its key (db/sql/bulk-rows.ts).
  await sql`
    insert into record_syncs as record_sync (tenant_id, integration_id, record_id, relevant_version,
      window_opened_at, due_at, window_fields)
    select ${tenantId}::uuid, ${integrationId}::uuid, record_id, 0, ${now}::timestamptz,
      ${waitsUntil}::timestamptz, fields
    from ${rowsFrom(rows, 'record_id uuid, fields text[]')}
    on conflict (tenant_id, integration_id, record_id) do update set result_hash = null,
      window_fields = case when record_sync.window_opened_at is null then excluded.window_fields
        else array(select distinct unnest(record_sync.window_fields || excluded.window_fields)) end,
      window_reason = coalesce(record_sync.window_reason, 'initial'),
      push_priority = case when record_sync.window_opened_at is null then ${PUSH_KINDS.bulk}
        else record_sync.push_priority end,
      due_at = coalesce(record_sync.due_at, excluded.due_at),
      window_opened_at = coalesce(record_sync.window_opened_at, excluded.window_opened_at)`.execute(trx);
  await sql`
    update push_references set due_at = ${now}::timestamptz, waits_until = ${waitsUntil}::timestamptz
    where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
      and record_id = any(${idList(incomplete.map(({ recordId }) => recordId))})
      and state = 'left_out'`.execute(trx);
}
