/**
 * Stage of applying a page for a Sync Now that applies an overview (rules.md 21): of the changes, only those
 * are kept that are as they were reviewed on both sides. Records that have drifted since are left alone and
 * listed as errors.
 */
import { sql } from 'kysely';
import type { TenantWork } from '../../database';
import { keysOf, opaqueToPlanner, rowsFrom } from '../../sql/bulk-rows';
import type { PageChanges, PulledDraft, RecordError } from '../page';

export interface ReviewedDataset {
  overviewId: string;
  recordType: string;
}

interface ReviewedItem {
  overviewItemId: string;
  remoteId: string;
  action: string;
  baseVersion: number | null;
  remoteHash: string | null;
}

/**
 * Marks the overview's items as applied or skipped. Records that were not reviewed count as unchanged,
 * drifted ones as failed.
 */
export async function selectReviewed(
  work: TenantWork,
  reviewed: ReviewedDataset,
  changes: PageChanges,
): Promise<PageChanges> {
  const remoteIds = changes.drafts.map(({ remote }) => remote.remoteId);
  const items = await findItems(work, reviewed, remoteIds);
  const selected: PulledDraft[] = [];
  const left: PulledDraft[] = [];
  for (const draft of changes.drafts)
    (isAsReviewed(items.get(draft.remote.remoteId), draft) ? selected : left).push(draft);
  const selectedIds = new Set(selected.map(({ remote }) => remote.remoteId));
  await markItems(
    work,
    reviewed,
    [...items.values()].map(({ overviewItemId, remoteId }) => ({
      item_id: overviewItemId,
      outcome: selectedIds.has(remoteId) ? 'applied' : 'skipped',
    })),
  );
  await withdrawPushes(work, reviewed, recordIdsOf(left.filter(({ draft }) => draft.isTouched)));
  await updateBaseVersions(work, reviewed, selected);
  const isDrifted = ({ remote: { remoteId } }: PulledDraft) =>
    (items.get(remoteId)?.action ?? 'not_possible') !== 'not_possible';
  const drifted = left.filter(isDrifted);
  const unreviewed = left.filter((draft) => !isDrifted(draft));
  const keptUnreviewed = recordIdsOf(unreviewed);
  // What does not fit was shown as not possible in the overview.
  const notStored = changes.errors.length;
  return {
    ...changes,
    drafts: selected,
    unchanged: [...changes.unchanged, ...keptUnreviewed],
    leftOut: unreviewed.length - keptUnreviewed.length + notStored,
    alsoSeen: [...changes.alsoSeen, ...recordIdsOf(drifted)],
    conflicts: changes.conflicts.filter(({ remoteId }) => selectedIds.has(remoteId)),
    errors: drifted.map(({ remote }) => driftedError(remote.remoteId)),
  };
}

/** Of records that exist here already. */
function recordIdsOf(drafts: readonly PulledDraft[]): string[] {
  return drafts.flatMap(({ draft }) => (draft.before === null ? [] : [draft.recordId]));
}

function isAsReviewed(item: ReviewedItem | undefined, { draft, remote }: PulledDraft): boolean {
  return (
    item !== undefined &&
    item.action !== 'not_possible' &&
    item.remoteHash === remote.hash &&
    item.baseVersion === (draft.before?.version ?? null)
  );
}

export const driftedError = (remoteId: string | null): RecordError => ({
  remoteId,
  code: 'drifted',
  message:
    'The record was changed on one of the two sides after the Sync Overview was generated, so this Sync Now left it ' +
    'unchanged. The next Sync Overview includes it.',
});

/** By remote id. */
async function findItems(
  { trx, tenantId }: TenantWork,
  { overviewId, recordType }: ReviewedDataset,
  remoteIds: string[],
): Promise<ReadonlyMap<string, ReviewedItem>> {
  if (remoteIds.length === 0) return new Map();
  const { rows } = await sql<ReviewedItem>`
    select item.* from unnest(${remoteIds}::text[]) as wanted(remote_id)
    cross join lateral (
      select overview_item_id, remote_id, action, base_version, remote_hash from overview_items
      where tenant_id = ${opaqueToPlanner(tenantId)} and overview_id = ${opaqueToPlanner(overviewId)}
        and record_type = ${recordType} and direction = 'pull' and remote_id = wanted.remote_id limit 1) item`.execute(
    trx,
  );
  return new Map(rows.map((item) => [item.remoteId, item]));
}

async function markItems(
  { trx, tenantId }: TenantWork,
  { overviewId }: ReviewedDataset,
  outcomes: { item_id: string; outcome: string }[],
): Promise<void> {
  if (outcomes.length === 0) return;
  await sql`
    update overview_items item set outcome = row.outcome from ${rowsFrom(outcomes, 'item_id uuid, outcome text')}
    where item.tenant_id = ${opaqueToPlanner(tenantId)} and item.overview_id = ${opaqueToPlanner(overviewId)}
      and item.overview_item_id = any(${keysOf(outcomes, 'item_id')})
      and item.overview_item_id = row.item_id`.execute(trx);
}

/**
 * The remote record changed after the review; pushing the local one would overwrite a change that was not
 * reviewed.
 */
async function withdrawPushes(
  { trx, tenantId }: TenantWork,
  { overviewId, recordType }: ReviewedDataset,
  recordIds: readonly string[],
): Promise<void> {
  if (recordIds.length === 0) return;
  await sql`
    update overview_items set base_version = null
    where tenant_id = ${opaqueToPlanner(tenantId)} and overview_id = ${opaqueToPlanner(overviewId)}
      and record_type = ${recordType}
      and direction = 'push' and record_id = any(${[...recordIds]}::uuid[])`.execute(trx);
}

/**
 * This run itself changes the version of the selected records, so their reviewed pushes remain as reviewed.
 */
async function updateBaseVersions(
  { trx, tenantId }: TenantWork,
  { overviewId, recordType }: ReviewedDataset,
  drafts: readonly PulledDraft[],
): Promise<void> {
  const rows = drafts.flatMap(({ draft: { recordId, before, after, isTouched } }) =>
    isTouched && before !== null
      ? [{ record_id: recordId, before: before.version, after: after.version }]
      : [],
  );
  if (rows.length === 0) return;
  await sql`
    update overview_items item set base_version = row.after
    from ${rowsFrom(rows, 'record_id uuid, before bigint, after bigint')}
    where item.tenant_id = ${opaqueToPlanner(tenantId)} and item.overview_id = ${opaqueToPlanner(overviewId)}
      and item.record_type = ${recordType}
      and item.direction = 'push' and item.record_id = any(${keysOf(rows, 'record_id')})
      and item.record_id = row.record_id and item.base_version = row.before`.execute(trx);
}
