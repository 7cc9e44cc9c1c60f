/**
 * Applying what an overview showed, and nothing else (rules.md 21): of a page only those records that are as they were reviewed, here
 * and there. What has drifted is left alone and said.
 */
import { sql } from 'kysely';
import type { SyncDirection } from '../../domain/overviews/overview';
import type { TenantWork } from '../database';
import type { MergedPage, PulledDraft } from './merge-page';
import type { RecordDraft } from '../../domain/records/record-draft';
import { rowsFrom, opaqueToPlanner } from '../sql/bulk-rows';
import type { RefusedRecord } from './apply-page';

interface ReviewedItem {
  overviewItemId: string;
  remoteId: string;
  action: string;
  baseVersion: number | null;
  remoteHash: string | null;
}

/** Keeps what was reviewed, marks it applied, and complains of what has drifted. What was not reviewed is seen, and otherwise left as it is. */
export async function keepReviewed(
  work: TenantWork,
  { overviewId, recordType }: { overviewId: string; recordType: string },
  merged: MergedPage,
): Promise<MergedPage> {
  const items = await findItems(
    work,
    { overviewId, recordType },
    merged.drafts.map(({ remote }) => remote.remoteId),
  );
  const kept: PulledDraft[] = [];
  const left: string[] = [];
  const drifted: RefusedRecord[] = [];
  const notAsReviewed: string[] = [];
  for (const draft of merged.drafts) {
    const item = items.get(draft.remote.remoteId);
    if (item !== undefined && isAsReviewed(item, draft)) kept.push(draft);
    else {
      if (draft.draft.before !== null) left.push(draft.draft.recordId);
      if (draft.draft.before !== null && draft.draft.isTouched) notAsReviewed.push(draft.draft.recordId);
      if (item !== undefined && item.action !== 'not_possible')
        drifted.push(driftedFrom(draft.remote.remoteId));
    }
  }
  const remoteIds = new Set(kept.map(({ remote }) => remote.remoteId));
  await markItems(
    work,
    overviewId,
    [...items.values()].map(({ overviewItemId, remoteId }) => ({
      item_id: overviewItemId,
      outcome: remoteIds.has(remoteId) ? 'applied' : 'skipped',
    })),
  );
  await expectNothingOf(work, { overviewId, recordType }, notAsReviewed);
  return {
    drafts: kept,
    unchanged: [...merged.unchanged, ...left],
    conflicts: merged.conflicts.filter(({ remoteId }) => remoteIds.has(remoteId)),
    refused: drifted,
  };
}

function isAsReviewed(
  { baseVersion, remoteHash, action }: ReviewedItem,
  { draft, remote }: PulledDraft,
): boolean {
  return (
    action !== 'not_possible' && remoteHash === remote.hash && baseVersion === (draft.before?.version ?? null)
  );
}

const driftedFrom = (remoteId: string | null): RefusedRecord => ({
  remoteId,
  code: 'drifted',
  message:
    'It has changed since the Sync Overview was made, here or there, so it was left as it is. It is in the next Sync Overview.',
});

async function findItems(
  { trx, tenantId }: TenantWork,
  { overviewId, recordType }: { overviewId: string; recordType: string },
  remoteIds: string[],
): Promise<Map<string, ReviewedItem>> {
  if (remoteIds.length === 0) return new Map();
  const { rows } = await sql<ReviewedItem>`
    select item.* from unnest(${remoteIds}::text[]) as wanted(remote_id)
    cross join lateral (
      select overview_item_id, remote_id, action, base_version, remote_hash from overview_items
      where tenant_id = ${opaqueToPlanner(tenantId)} and overview_id = ${opaqueToPlanner(overviewId)} and record_type = ${recordType} and direction = 'pull' and remote_id = wanted.remote_id limit 1) item`.execute(
    trx,
  );
  return new Map(rows.map((item) => [item.remoteId, item]));
}

async function markItems(
  { trx, tenantId }: TenantWork,
  overviewId: string,
  outcomes: { item_id: string; outcome: string }[],
): Promise<void> {
  if (outcomes.length === 0) return;
  await sql`
    update overview_items item set outcome = row.outcome from ${rowsFrom(outcomes, 'item_id uuid, outcome text')}
    where item.tenant_id = ${tenantId} and item.overview_id = ${overviewId} and item.overview_item_id = row.item_id`.execute(
    trx,
  );
}

/** They hold something else than what was reviewed: to send ours would write over what nobody here has seen. */
async function expectNothingOf(
  { trx, tenantId }: TenantWork,
  { overviewId, recordType }: { overviewId: string; recordType: string },
  recordIds: readonly string[],
): Promise<void> {
  if (recordIds.length === 0) return;
  await sql`
    update overview_items set base_version = null
    where tenant_id = ${tenantId} and overview_id = ${overviewId} and record_type = ${recordType} and direction = 'push' and record_id = any(${[...recordIds]}::uuid[])`.execute(
    trx,
  );
}

/** What was reviewed to be sent of these records still is: the version that they have now is of this very sync, which reads before it sends. */
export async function expectPulled(
  { trx, tenantId }: TenantWork,
  { overviewId, recordType }: { overviewId: string; recordType: string },
  drafts: readonly RecordDraft[],
): Promise<void> {
  const rows = drafts.flatMap(({ recordId, before, after }) =>
    before === null ? [] : [{ record_id: recordId, before: before.version, after: after.version }],
  );
  if (rows.length === 0) return;
  await sql`
    update overview_items item set base_version = row.after from ${rowsFrom(rows, 'record_id uuid, before bigint, after bigint')}
    where item.tenant_id = ${tenantId} and item.overview_id = ${overviewId} and item.record_type = ${recordType} and item.direction = 'push'
      and item.record_id = row.record_id and item.base_version = row.before`.execute(trx);
}

/** Of records that seem to be missing, those whose deletion was reviewed and that are as they were then. */
export async function keepReviewedDeletions(
  { trx, tenantId }: TenantWork,
  { overviewId, recordType, limit }: { overviewId: string; recordType: string; limit: number },
  missing: readonly string[],
): Promise<string[]> {
  if (missing.length === 0) return [];
  const { rows } = await sql<{ recordId: string }>`
    update overview_items item set outcome = 'applied'
    where item.tenant_id = ${tenantId} and item.overview_id = ${overviewId} and item.overview_item_id in (
      select asked.overview_item_id
      from unnest(${[...missing]}::uuid[]) as wanted(record_id)
      cross join lateral (
        select overview_item_id, base_version from overview_items
        where tenant_id = ${opaqueToPlanner(tenantId)} and overview_id = ${opaqueToPlanner(overviewId)} and record_id = wanted.record_id
          and record_type = ${recordType} and direction = 'pull' and action = 'delete' and outcome is null limit 1) asked
      cross join lateral (select version from records where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = wanted.record_id) record
      where record.version = asked.base_version limit ${limit})
    returning item.record_id`.execute(trx);
  return rows.map(({ recordId }) => recordId);
}

/**
 * What was reviewed and not met again as it was: not there any more, there again, or changed by somebody else meanwhile. Noted among the run's
 * errors. @returns how many.
 */
export async function recordSkippedItems(
  work: TenantWork,
  { overviewId, recordType }: { overviewId: string; recordType: string },
): Promise<{ skippedRecords: RefusedRecord[]; count: number }> {
  const skipped = await skipTheRest(work, { overviewId, recordType, direction: 'pull' });
  return {
    skippedRecords: skipped.slice(0, SKIPPED_TOLD_MAX).map(({ remoteId }) => driftedFrom(remoteId)),
    count: skipped.length,
  };
}

/** All that was reviewed of a record type that is no longer synced in that direction; noted in the same way. @returns how many. */
export async function recordUnmapped(
  work: TenantWork,
  place: { overviewId: string; recordType: string; direction: SyncDirection },
): Promise<{ skippedRecords: RefusedRecord[]; count: number }> {
  const skipped = await skipTheRest(work, place);
  const message = `${place.recordType} are no longer synced that way, so it was left as it is.`;
  const skippedRecords = skipped.slice(0, SKIPPED_TOLD_MAX).map(({ remoteId, externalId }) => ({
    remoteId: place.direction === 'pull' ? remoteId : externalId,
    code: 'not_mapped',
    message,
  }));
  return { skippedRecords, count: skipped.length };
}

async function skipTheRest(
  { trx, tenantId }: TenantWork,
  { overviewId, recordType, direction }: { overviewId: string; recordType: string; direction: SyncDirection },
): Promise<{ remoteId: string | null; externalId: string | null }[]> {
  const { rows } = await sql<{ remoteId: string | null; externalId: string | null }>`
    update overview_items set outcome = 'skipped'
    where tenant_id = ${tenantId} and overview_id = ${overviewId} and record_type = ${recordType} and direction = ${direction} and action <> 'not_possible' and outcome is null
    returning remote_id, external_id`.execute(trx);
  return rows;
}

const SKIPPED_TOLD_MAX = 1_000;
