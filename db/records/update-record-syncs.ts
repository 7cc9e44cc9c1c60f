/** Writes what changed records mean for their record syncs, in a few statements for any number of records. */
import { sql } from 'kysely';
import {
  type AcceptingIntegration,
  type PlannedWindow,
  planRecordSyncs,
  recordSyncKey,
  type RecordSyncKey,
  type RecordSyncPlan,
  type UndoneEdit,
} from '../../domain/push/plan-record-syncs';
import type { ChangeAuthor, RecordDraft } from '../../domain/records/record-draft';
import { groupBy } from '../../domain/group-by';
import { kindOfChanges } from '../../domain/push/push-kind';
import type { TenantWork } from '../database';
import { appendStreamEvent } from '../platform/change-feed';
import { enqueueAll } from '../platform/outbox';
import { idList, opaqueToPlanner, rowsFrom } from '../sql/bulk-rows';
import { newUuid } from '../sql/ids';
import type { RecordSyncStatus } from '../tables/records';
import { lockRecordSyncs } from './accepting-integrations';
import { hashOfTarget } from './payload-hash';

/** Records listed in one stream event; pages that show another record count the rest. */
const STREAMED_RECORDS_MAX = 20;

/**
 * Plans and writes in one step, for records that this transaction has written and holds locked.
 * @returns true if a record sync was concerned, which the change feed then shows.
 */
export async function writeRecordSyncs(
  work: TenantWork,
  integrations: readonly AcceptingIntegration[],
  drafts: readonly RecordDraft[],
  author: ChangeAuthor,
): Promise<boolean> {
  if (drafts.length === 0 || integrations.length === 0) return false;
  const existing = drafts.filter(({ before }) => before !== null);
  const states = await lockRecordSyncs(work, existing);
  const plan = planRecordSyncs(drafts, integrations, states, hashOfTarget);
  await writeRecordSyncPlan(work, plan, author);
  return plan.records.length > 0;
}

/** A record sync as people see it. */
export interface ShownRecordSync extends RecordSyncKey {
  status: RecordSyncStatus | null;
  dueAt: Date | null;
}

/** @returns the record syncs that were written. */
export async function writeRecordSyncPlan(
  work: TenantWork,
  plan: RecordSyncPlan,
  { actor }: ChangeAuthor,
): Promise<ShownRecordSync[]> {
  const waiting = await writeWindows(work, plan.windows, actor);
  const nextPushes = [...plan.nextDueAt].map(([integrationId, nextDueAt]) => ({ integrationId, nextDueAt }));
  await enqueueAll(
    work,
    nextPushes.map((push) => ({ topic: 'record_push', ...push })),
  );
  const closed = await closeUndoneEdits(work, plan.undone, actor);
  await deleteRecordSyncs(work, plan.ended);
  await announce(work, plan);
  return [...waiting, ...closed];
}

async function writeWindows(
  { trx, tenantId }: TenantWork,
  windows: readonly PlannedWindow[],
  actor: string,
): Promise<ShownRecordSync[]> {
  if (windows.length === 0) return [];
  // A person's single edits are no bulk.
  const isPerson = actor.startsWith('person:');
  const rows = windows.map(({ integrationId, recordId, recordType, version, window, fields, effect }) => ({
    integration_id: integrationId,
    record_id: recordId,
    record_type: recordType,
    version,
    opened_at: window.openedAt,
    due_at: window.dueAt,
    reason: window.reason,
    fields,
    effect: isPerson && effect === 'overwrite' ? null : effect,
  }));
  const columns =
    'integration_id uuid, record_id uuid, record_type text, version bigint, opened_at timestamptz, ' +
    'due_at timestamptz, reason text, fields text[], effect text';
  // Of thousands of rows only those are returned that are shown otherwise than any window.
  const { rows: others } = await sql<RecordSyncKey & { status: RecordSyncStatus }>`
    with written as (insert into record_syncs (
      tenant_id, integration_id, record_id, relevant_version, window_opened_at, due_at, window_reason,
      window_fields, window_changed_by, window_effect, window_record_type, push_priority)
    select ${tenantId}::uuid, integration_id, record_id, version, opened_at, due_at, reason, fields,
      array[${actor}::text], effect, record_type, ${kindOfChanges(new Set(windows.map(({ recordId }) => recordId)).size)}
    from ${rowsFrom(rows, columns)}
    on conflict (tenant_id, integration_id, record_id) do update set
      relevant_version = excluded.relevant_version,
      window_opened_at = excluded.window_opened_at,
      due_at = excluded.due_at,
      window_reason = excluded.window_reason,
      is_backfill = false,
      push_priority = excluded.push_priority,
      window_record_type = excluded.window_record_type,
      -- What an open window overwrites is not lost by a later change of an empty field.
      window_effect = coalesce(excluded.window_effect, case when record_syncs.window_opened_at is not null
        and record_syncs.window_effect in ('create', 'overwrite') then record_syncs.window_effect end),
      window_fields = case when record_syncs.window_opened_at is null then excluded.window_fields
        else array(select distinct unnest(record_syncs.window_fields || excluded.window_fields)) end,
      window_changed_by = case when record_syncs.window_opened_at is null then excluded.window_changed_by
        else array(select distinct unnest(record_syncs.window_changed_by || excluded.window_changed_by)) end
    returning integration_id, record_id, status)
    select * from written where status <> 'sync_pending'`.execute(trx);
  const statuses = new Map(others.map((sync) => [recordSyncKey(sync), sync.status]));
  return windows.map(({ integrationId, recordId, window: { dueAt } }) => {
    const status = statuses.size === 0 ? undefined : statuses.get(recordSyncKey({ integrationId, recordId }));
    return { integrationId, recordId, status: status ?? 'sync_pending', dueAt };
  });
}

/**
 * Closes the windows (rules.md 5): the status returns to the last result, and the push log shows why nothing
 * was sent.
 */
async function closeUndoneEdits(
  { trx, tenantId, now }: TenantWork,
  undone: readonly UndoneEdit[],
  actor: string,
): Promise<ShownRecordSync[]> {
  if (undone.length === 0) return [];
  const rows = undone.map(({ integrationId, recordId, version, mappingVersion, fields, hadWindow }) => ({
    integration_id: integrationId,
    record_id: recordId,
    version,
    push_id: newUuid(),
    mapping_version: mappingVersion,
    fields,
    had_window: hadWindow,
  }));
  const columns =
    'integration_id uuid, record_id uuid, version bigint, push_id uuid, mapping_version int, fields text[], ' +
    'had_window boolean';
  await sql`
    insert into pushes (
      tenant_id, push_id, integration_id, record_id, record_version, mapping_version, operation,
      started_because, changed_fields, changed_by, result, attempts, started_at, finished_at)
    select ${tenantId}::uuid, row.push_id, row.integration_id, row.record_id, row.version,
      row.mapping_version, 'upsert', 'quiet',
      array(select distinct unnest(record_sync.window_fields || row.fields)),
      array(select distinct unnest(record_sync.window_changed_by || ${actor}::text)),
      'no_net_change', 0, ${now}::timestamptz, ${now}::timestamptz
    from ${rowsFrom(rows, columns)}
    cross join lateral (
      select window_fields, window_changed_by from record_syncs
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = row.integration_id
        and record_id = row.record_id limit 1) record_sync
    where row.had_window`.execute(trx);
  // The rows exist and are locked: each is found by its key (db/sql/bulk-rows.ts).
  const { rows: closed } = await sql<ShownRecordSync>`
    insert into record_syncs (tenant_id, integration_id, record_id, relevant_version)
    select ${tenantId}::uuid, integration_id, record_id, version from ${rowsFrom(rows, columns)}
    on conflict (tenant_id, integration_id, record_id) do update set
      relevant_version = excluded.relevant_version, result_version = excluded.relevant_version,
      window_opened_at = null, due_at = null, window_reason = null, window_fields = '{}',
      window_changed_by = '{}', is_backfill = false, held_at = null, held_by = null,
      window_effect = null, push_review_id = null
    returning integration_id, record_id, status, due_at`.execute(trx);
  return closed;
}

async function deleteRecordSyncs(
  { trx, tenantId }: TenantWork,
  ended: readonly RecordSyncKey[],
): Promise<void> {
  if (ended.length === 0) return;
  for (const [integrationId, some] of groupBy(ended, (one) => one.integrationId))
    await sql`
      delete from record_syncs
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = any(${idList(some.map(({ recordId }) => recordId))})`.execute(trx);
}

/** One small stream event per transaction: a page that shows these records fetches them again. */
async function announce(work: TenantWork, { records, integrationIds }: RecordSyncPlan): Promise<void> {
  if (records.length === 0) return;
  const listed = records.slice(0, STREAMED_RECORDS_MAX);
  await appendStreamEvent(work, {
    topic: 'record_syncs',
    body: {
      integration_ids: integrationIds,
      records: listed.map(({ recordType, externalId }) => ({
        record_type: recordType,
        external_id: externalId,
      })),
      count: records.length,
    },
  });
}
