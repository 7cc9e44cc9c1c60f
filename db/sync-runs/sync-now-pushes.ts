/**
 * The push part of a Sync Now (rules.md 21, 22): records that differ become due at once, and the run ends
 * when each of those pushes has ended. Reviewed records are pushed only as reviewed.
 */
import { sql } from 'kysely';
import { mappedFieldNames } from '../../domain/records/mapping';
import { pushJobOf } from '../../domain/overviews/overview';
import type { TenantWork } from '../database';
import type { Integration } from '../integrations/integrations';
import { openManualWindows } from '../push/manual-windows';
import { lockMappings } from '../records/mapping-lock';
import { enqueuePush } from '../platform/outbox';
import { keysOf, opaqueToPlanner, rowsFrom } from '../sql/bulk-rows';
import { inIndexOrder } from '../sql/index-order';
import { addRecordErrors } from '../pull/record-errors';
import type { RecordError } from '../pull/page';
import { appendStreamEvent } from '../platform/change-feed';

export interface PushKey {
  syncRunId: string;
  /** Owner of the items: an overview, or the run itself if it compared afresh. */
  overviewId: string;
  recordType: string;
}

interface Item {
  overviewItemId: string;
  action: string;
  recordId: string;
  externalId: string | null;
  baseVersion: number | null;
  version: number | null;
}

/** Makes the next items due. @returns how many were examined; 0 = none is left. */
export async function makeItemsDue(
  work: TenantWork,
  {
    place,
    integration,
    actor,
    limit,
  }: {
    place: PushKey;
    integration: Pick<Integration, 'integrationId' | 'recordTypes'>;
    actor: string;
    limit: number;
  },
): Promise<number> {
  const { trx, tenantId, now } = work;
  await lockMappings(work, 'shared');
  const mapping = integration.recordTypes[place.recordType];
  const items = await lockItems(work, place, limit);
  if (items.length === 0 || mapping === undefined) return 0;
  const due = items.filter(
    ({ action, baseVersion, version }) =>
      action !== 'not_possible' && version !== null && baseVersion === version,
  );
  const opened = await openManualWindows(work, integration, {
    recordType: place.recordType,
    due,
    actor,
    fields: mappedFieldNames(mapping),
  });
  const isDue = new Set(opened);
  const followed = due
    .filter(({ recordId }) => isDue.has(recordId))
    .map(({ recordId, version }) => ({ record_id: recordId, version }));
  if (followed.length > 0)
    await sql`
      insert into sync_run_pushes (tenant_id, sync_run_id, record_type, record_id, version, made_due_at)
      select ${tenantId}::uuid, ${place.syncRunId}::uuid, ${place.recordType}, record_id, version, ${now}::timestamptz from ${rowsFrom(followed, 'record_id uuid, version bigint')}
      on conflict do nothing`.execute(trx);
  await markItems(
    work,
    place,
    items.map(({ overviewItemId, recordId }) => ({
      item_id: overviewItemId,
      outcome: isDue.has(recordId) ? 'applied' : 'skipped',
    })),
  );
  await recordSkipped(
    work,
    place,
    items.filter(({ recordId, action }) => !isDue.has(recordId) && action !== 'not_possible'),
  );
  if (isDue.size > 0) {
    await enqueuePush(work, { integrationId: integration.integrationId, nextDueAt: now });
    await appendStreamEvent(work, {
      topic: 'record_syncs',
      body: { integration_ids: [integration.integrationId], count: isDue.size },
    });
  }
  return items.length;
}

async function recordSkipped(work: TenantWork, place: PushKey, skipped: readonly Item[]): Promise<void> {
  await addRecordErrors(
    work,
    { syncRunId: place.syncRunId, recordType: pushJobOf(place.recordType) },
    { errors: skipped.map(skippedItemError), count: skipped.length },
    'recordsSkipped',
  );
}

function skippedItemError({ externalId, baseVersion, version }: Item): RecordError {
  const hasDrifted = version === null || baseVersion !== version;
  return {
    remoteId: externalId,
    code: hasDrifted ? 'drifted' : 'held',
    message: hasDrifted
      ? 'The record has changed since the Sync Overview was generated, so this Sync Now did not push it. ' +
        'A change made in Syncline is pushed separately.'
      : UNSENT.held,
  };
}

/** Locked by record, so that a concurrent change counts as a later one. */
async function lockItems(
  work: TenantWork,
  { overviewId, recordType }: PushKey,
  limit: number,
): Promise<Item[]> {
  const { tenantId } = work;
  const items = sql<Item>`
    select item.overview_item_id, item.action, item.record_id, item.external_id, item.base_version, record.version
    from (
      select * from overview_items
      where tenant_id = ${opaqueToPlanner(tenantId)} and overview_id = ${opaqueToPlanner(overviewId)}
        and direction = 'push' and record_type = ${recordType} and outcome is null
      order by record_id limit ${limit}) item
    left join lateral (select version from records where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = item.record_id for update) record on true
    order by item.record_id`;
  return (await inIndexOrder(work, () => items.execute(work.trx))).rows;
}

async function markItems(
  { trx, tenantId }: TenantWork,
  { overviewId }: PushKey,
  outcomes: { item_id: string; outcome: string }[],
): Promise<void> {
  await sql`
    update overview_items item set outcome = row.outcome from ${rowsFrom(outcomes, 'item_id uuid, outcome text')}
    where item.tenant_id = ${opaqueToPlanner(tenantId)} and item.overview_id = ${opaqueToPlanner(overviewId)}
      and item.overview_item_id = any(${keysOf(outcomes, 'item_id')})
      and item.overview_item_id = row.item_id`.execute(trx);
}

const UNSENT = {
  sync_failed: 'The third party rejected the record. The record shows the errors.',
  held: 'The record is held. Release it to push it.',
  waits: 'The record waits for another one, whose sync failed or is held.',
  discarded: 'The change was discarded, so it was not pushed.',
} as const;

const isUnsent = (code: string): code is keyof typeof UNSENT => code in UNSENT;

export interface PushesLeft {
  waiting: number;
  synced: number;
  failed: number;
}

/**
 * Records which pushes have ended: pushed in that version or a later one, or the record sync is gone, held or
 * discarded (then no end is foreseeable). @returns the counts.
 */
export async function recordPushOutcomes(
  work: TenantWork,
  { syncRunId, recordType }: Omit<PushKey, 'overviewId'>,
  { integrationId }: { integrationId: string },
): Promise<PushesLeft> {
  const { trx, tenantId } = work;
  const waitsInVain = sql`exists (
    select from push_references awaited
    cross join lateral (select status, held_at from record_syncs where tenant_id = ${opaqueToPlanner(tenantId)}
      and integration_id = ${integrationId} and record_id = awaited.target_id limit 1) target
    where awaited.tenant_id = ${opaqueToPlanner(tenantId)} and awaited.integration_id = ${integrationId}
      and awaited.record_id = asked.record_id and awaited.state in ('waiting', 'left_out')
      and awaited.waits_until = record_sync.due_at
      and (target.status = 'sync_failed' or target.held_at is not null))`;
  const { rows: ended } = await sql<{
    outcome: string;
    stopped: 'held' | 'discarded' | 'waits' | null;
    externalId: string;
    recordId: string;
  }>`
    update sync_run_pushes followed set outcome = case when state.stopped is not null then 'left' else state.outcome end
    from (
      select asked.record_id, record.external_id,
        case when record_sync.record_id is null then 'left' when push.result = 'succeeded' or record_sync.result_status = 'synced' then 'synced' when record_sync.result_status = 'sync_failed' then 'sync_failed' else 'left' end as outcome,
        case when push.finished_at is not null and push.started_at >= asked.made_due_at and push.record_version >= asked.version then null
             when record_sync.discarded_at >= asked.made_due_at then 'discarded' when record_sync.held_at is not null then 'held' when ${waitsInVain} then 'waits' end as stopped
      from sync_run_pushes asked
      join records record on record.tenant_id = asked.tenant_id and record.record_id = asked.record_id
      left join lateral (select * from record_syncs where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${integrationId} and record_id = asked.record_id limit 1) record_sync on true
      left join lateral (select record_version, result, started_at, finished_at from pushes where tenant_id = ${opaqueToPlanner(tenantId)} and push_id = record_sync.last_push_id limit 1) push on true
      where asked.tenant_id = ${tenantId} and asked.sync_run_id = ${syncRunId} and asked.record_type = ${recordType} and asked.outcome is null
        and (record_sync.record_id is null or (record_sync.push_id is null and record_sync.lease_until is null
          and (record_sync.window_opened_at is null or record_sync.held_at is not null or ${waitsInVain} or (push.finished_at is not null and push.started_at >= asked.made_due_at and push.record_version >= asked.version))))
    ) state
    where followed.tenant_id = ${tenantId} and followed.sync_run_id = ${syncRunId} and followed.record_type = ${recordType} and followed.record_id = state.record_id
    returning followed.outcome, state.stopped, followed.record_id, state.external_id`.execute(trx);
  const job = { syncRunId, recordType: pushJobOf(recordType) };
  const errors = ended.flatMap(({ outcome, stopped, externalId }): RecordError[] => {
    const code = stopped ?? outcome;
    return isUnsent(code) ? [{ remoteId: externalId, code, message: UNSENT[code] }] : [];
  });
  await addRecordErrors(work, job, { errors, count: errors.length }, 'recordsFailed');
  const synced = ended.filter(({ outcome }) => outcome === 'synced').length;
  if (ended.length > 0)
    await sql`
      update sync_jobs set records_changed = records_changed + ${synced}, records_read = records_read + ${ended.length},
        records_unchanged = records_unchanged + ${ended.length - synced - errors.length}
      where tenant_id = ${tenantId} and sync_run_id = ${syncRunId} and record_type = ${job.recordType}`.execute(
      trx,
    );
  const { rows } = await sql<PushesLeft>`
    select count(*) filter (where outcome is null)::int as waiting, count(*) filter (where outcome = 'synced')::int as synced, count(*) filter (where outcome = 'sync_failed')::int as failed
    from sync_run_pushes where tenant_id = ${tenantId} and sync_run_id = ${syncRunId} and record_type = ${recordType}`.execute(
    trx,
  );
  return rows[0] ?? { waiting: 0, synced: 0, failed: 0 };
}
