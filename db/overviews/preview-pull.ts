/**
 * The pull part of an overview (rules.md 21 to 23): each page is matched and merged by the same code that
 * applies pages, and the changes are stored as items instead of records.
 */
import { pickMembers } from '../../domain/json';
import type { TenantWork } from '../database';
import { isInPart } from '../pull/comparison/seen-ids';
import { readLinks } from '../pull/comparison/walk-links';
import { matchRecords } from '../pull/page-stages/match-records';
import { resolvePromises } from '../pull/page-stages/page-promises';
import { mergePage } from '../pull/page-stages/merge-page';
import type { PageToApply, PulledDraft } from '../pull/page';
import { withoutErased } from '../records/erased-records';
import { lockMappings } from '../records/mapping-lock';
import { findHeldElsewhere } from '../pull/record-holders';
import { type LocalChunk, placeAfter } from './local-chunk';
import { changeOverviewJob, lockOverviewJob, type OverviewJobKey } from './overview-jobs';
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
import { isCanceled } from './overviews';

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
  const known = { ...page, records: await resolvePromises(work, page, matches) };
  const { drafts, unchanged, errors, heldBack, alsoSeen } = await mergePage(work, known, matches);
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
 * Adds the next deletions that a sync would make: linked records that no page held. Called until the last
 * part is compared.
 */
export async function previewDeletions(
  work: TenantWork,
  key: OverviewJobKey,
  { integrationId, limit, seen, ...part }: LocalChunk & { integrationId: string },
): Promise<StepResult> {
  const job = await lockOverviewJob(work, key);
  if (job === undefined || job.finishedAt !== null || (await isCanceled(work, key))) return undefined;
  // Another worker has continued with the next part.
  if (job.comparedPart !== part.part) return job;
  const type = { integrationId, recordType: job.recordType };
  const place = { after: job.afterRecordId, linkedBefore: job.startedAt, limit };
  const links = await readLinks(work, type, place);
  const missing = links.filter(
    ({ recordId, isOfType, isOlder }) =>
      isOfType && isOlder && isInPart(recordId, part) && !seen.has(recordId),
  );
  const remoteIds = new Map(missing.map(({ recordId, remoteId }) => [recordId, remoteId]));
  const records = await readLocalRecords(work, [...remoteIds.keys()]);
  const held = await findHeldElsewhere(work, type, [...remoteIds.keys()]);
  const items = records
    .filter(({ isDeleted }) => !isDeleted)
    .map((record) => ({
      ...itemOfDeletion(record, remoteIds.get(record.recordId) ?? null),
      reason: held.has(record.recordId) ? HELD_ELSEWHERE : null,
    }));
  await insertItems(work, job, items);
  await changeOverviewJob(work, job, {
    deletes: job.deletes + items.length,
    ...placeAfter(links, { limit, ...part }),
  });
  return lockOverviewJob(work, job);
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
