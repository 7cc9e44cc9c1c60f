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
import { UNSENT } from './sync-now-outcomes';

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
