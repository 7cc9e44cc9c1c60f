/**
 * The pull part of an overview (rules.md 21 to 23): each page is matched and merged by the same code that
 * applies pages, and the changes are stored as items instead of records.
 */
import { sql } from 'kysely';
import { pickMembers } from '../../domain/json';
import type { TenantWork } from '../database';
import { matchRecords } from '../pull/page-stages/match-records';
import { mergePage } from '../pull/page-stages/merge-page';
import type { PageToApply, PulledDraft } from '../pull/page';
import { withoutErased } from '../records/erased-records';
import { lockMappings } from '../records/mapping-lock';
import { findHeldElsewhere } from '../pull/record-holders';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { changeOverviewJob, lockOverviewJob, type OverviewJob, type OverviewJobKey } from './overview-jobs';
import {
  type Checkpoint,
  insertItems,
  type LocalRecord,
  lockForPage,
  type NewItem,
  notPossible,
  readLocalRecords,
  savePage,
  type StepResult,
} from './overview-pages';

/** Records per statement, because their fields are large. */
const DELETIONS_PER_STATEMENT = 1_000;

export async function previewPage(
  work: TenantWork,
  key: OverviewJobKey,
  wholePage: PageToApply,
  checkpoint: Checkpoint,
): Promise<StepResult> {
  const job = await lockForPage(work, key, wholePage.pagesBefore);
  if (job === undefined) return undefined;
  await lockMappings(work, 'shared');
  const page = await withoutErased(work, wholePage);
  const matches = await matchRecords(work, page);
  const { drafts, unchanged, errors, heldBack, alsoSeen } = await mergePage(work, page, matches);
  const touched = drafts.filter(({ draft }) => draft.isTouched);
  const existing = drafts.filter(({ draft }) => draft.before !== null);
  return savePage(work, job, checkpoint, {
    items: [
      ...touched.map(itemOfDraft),
      ...[...page.refused, ...errors].map(({ remoteId, message }) =>
        notPossible({ remoteId, reason: message }),
      ),
    ],
    unchanged: page.erased + unchanged.length + heldBack.length + drafts.length - touched.length,
    read: page.records.length + page.refused.length + page.erased,
    seen: [...existing.map(({ draft }) => draft.recordId), ...unchanged, ...alsoSeen],
    remoteIds: wholePage.records.map(({ remoteId }) => remoteId),
  });
}

function itemOfDraft({ draft, remote }: PulledDraft): NewItem {
  const { before, after, changedFields, recordId, externalId } = draft;
  return {
    action: before === null || before.isDeleted ? 'create' : 'update',
    recordId: before === null ? null : recordId,
    externalId,
    remoteId: remote.remoteId,
    baseVersion: before?.version ?? null,
    remoteHash: remote.hash,
    before: before === null ? null : pickMembers(before.fields, changedFields),
    after: pickMembers(after.fields, changedFields),
    reason: null,
  };
}

const HELD_ELSEWHERE =
  'Only the link is removed: the record was not created from this integration, or another one reads it too.';

/**
 * Adds the deletions that a sync would make: linked records that no page held. Done once, after the last
 * page.
 */
export async function previewDeletions(
  work: TenantWork,
  key: OverviewJobKey,
  { integrationId }: { integrationId: string },
): Promise<void> {
  const job = await lockOverviewJob(work, key);
  if (job === undefined || job.finishedAt !== null || job.deletes > 0) return;
  const missing = await findMissing(work, job, integrationId);
  let deletes = 0;
  for (let from = 0; from < missing.length; from += DELETIONS_PER_STATEMENT) {
    const chunk = missing.slice(from, from + DELETIONS_PER_STATEMENT);
    const remoteIds = new Map(chunk.map(({ recordId, remoteId }) => [recordId, remoteId]));
    const records = await readLocalRecords(work, [...remoteIds.keys()]);
    const held = await findHeldElsewhere(work, { integrationId, recordType: job.recordType }, [
      ...remoteIds.keys(),
    ]);
    const items = records
      .filter(({ isDeleted }) => !isDeleted)
      .map((record) => ({
        ...itemOfDeletion(record, remoteIds.get(record.recordId) ?? null),
        reason: held.has(record.recordId) ? HELD_ELSEWHERE : null,
      }));
    await insertItems(work, job, items);
    deletes += items.length;
  }
  await changeOverviewJob(work, job, { deletes });
}

async function findMissing(
  { trx, tenantId }: TenantWork,
  { overviewId, recordType, startedAt }: OverviewJob,
  integrationId: string,
): Promise<{ recordId: string; remoteId: string }[]> {
  // The statistics underestimate both sides; a nested loop would compare every row with every other.
  await sql`set local enable_nestloop = off`.execute(trx);
  const { rows } = await sql<{ recordId: string; remoteId: string }>`
    with seen as materialized (
      select unnest(page.seen) as record_id from overview_pages page
      where page.tenant_id = ${opaqueToPlanner(tenantId)} and page.overview_id = ${opaqueToPlanner(overviewId)}
        and page.record_type = ${recordType} and page.direction = 'pull')
    select link.record_id, link.remote_id from record_links link
    where link.tenant_id = ${opaqueToPlanner(tenantId)} and link.integration_id = ${opaqueToPlanner(integrationId)}
      and link.record_type = ${recordType} and link.updated_at < ${startedAt}
      and not exists (select from seen where seen.record_id = link.record_id)`.execute(trx);
  await sql`set local enable_nestloop = on`.execute(trx);
  return rows;
}

function itemOfDeletion(
  { recordId, externalId, version, fields }: LocalRecord,
  remoteId: string | null,
): NewItem {
  return {
    action: 'delete',
    recordId,
    externalId,
    remoteId,
    baseVersion: version,
    remoteHash: null,
    before: fields,
    after: null,
    reason: null,
  };
}

/** True if two pages held the same record, because the list changed while it was read. */
export async function hasPreviewedTwice(
  { trx, tenantId }: TenantWork,
  { overviewId, recordType, direction }: OverviewJobKey,
): Promise<boolean> {
  const { rows } = await sql<{ hasTwice: boolean }>`
    select count(*) > count(distinct seen.record_id) as has_twice
    from overview_pages page cross join lateral unnest(page.seen) as seen(record_id)
    where page.tenant_id = ${opaqueToPlanner(tenantId)} and page.overview_id = ${opaqueToPlanner(overviewId)}
      and page.record_type = ${recordType} and page.direction = ${direction}`.execute(trx);
  return rows[0]?.hasTwice ?? false;
}
