/**
 * Stage of applying a page: stores the page's row, its conflicts and errors, and how far the job has read. It
 * is part of the page's transaction, so a page counts exactly once (rules.md 35).
 */
import { sql } from 'kysely';
import type { WatermarkKept } from '../../../domain/sync-runs/sync-run';
import type { TenantWork } from '../../database';
import { arrayParameter } from '../../sql/binary-arrays';
import { isAtBeginning, lockSyncJob, type SyncJob } from '../job-rows';
import { firstPageOf, saveRange, type SyncRange } from '../ranges/sync-ranges';
import type { Interruption } from '../pass-state';
import type { OpenPage } from './open-page';
import type { PageChanges, PageToApply, PassKey, RecordError } from '../page';
import { insertRecordErrors, insertWarnings } from '../record-errors';
import { type Accounted, assertAccountedFor } from '../../../domain/pull/accounting';
import { learnDatasetOverlap } from '../learn-overlap';
import { raiseConflicts } from '../../records/conflicts';

/** Codes of changed records that were listed and could not be read. */
const READ_AGAIN: ReadonlySet<string> = new Set(['detail_failed', 'detail_missing']);

/** The job has ended while a page of one of its ranges was applied. Nothing of the page is stored. */
export class JobHasEnded extends Error {}

/**
 * @returns the job after the page; of a range, with what the range has reached.
 * @throws `JobHasEnded`
 */
export async function saveCheckpoint(
  work: TenantWork,
  page: PageToApply,
  { job: opened, range, idsDigest, isRepeated }: Omit<OpenPage, keyof Interruption>,
  changes: PageChanges,
  { isInitialLoad, ids }: { isInitialLoad: boolean; ids?: Buffer },
): Promise<SyncJob> {
  const job = range === undefined ? opened : await lockSyncJob(work, page, 'noKeyUpdate');
  if (job === undefined || job.finishedAt !== null) throw new JobHasEnded();
  const records = idsOf(changes);
  const counts = countRecords(page, changes, records);
  assertAccountedFor(counts);
  // Of a repeated page, only the records that have changed in the meantime count as read.
  const counted = isRepeated
    ? { ...counts, read: counts.new + counts.changed, unchanged: 0, failed: 0, heldBack: 0 }
    : counts;
  await raiseConflicts(work, page, changes.conflicts);
  if (!isRepeated) {
    await insertRecordErrors(work, job, [...page.refused, ...changes.errors]);
    await insertWarnings(work, job, [
      ...unmatchedDeletions(page, changes),
      ...changes.heldBack,
      ...page.altered,
      ...(page.warned ?? []),
    ]);
  }
  await learnFromLateChanges(work, page, changes);
  const reached = reachedBy(work, page, range ?? job, { isRepeated, isInitialLoad });
  const stored = range === undefined ? reached : { pages: job.pages + 1, asOf: earliest(job, page, range) };
  if (range !== undefined && !(await saveRange(work, range, reached))) throw new JobHasEnded();
  const after = await writeCheckpoint(
    work,
    page,
    {
      ...records,
      ids,
      number: page.pagesBefore + (range === undefined ? 0 : firstPageOf(range.range)),
      idsDigest,
    },
    {
      asOf: isAtBeginning(job) ? page.asOf : job.asOf,
      ...stored,
      nextSyncToken: page.syncToken ?? job.nextSyncToken,
      recordsRead: job.recordsRead + counted.read,
      recordsNew: job.recordsNew + counted.new,
      recordsChanged: job.recordsChanged + counted.changed,
      recordsUnchanged: job.recordsUnchanged + counted.unchanged,
      recordsFailed: job.recordsFailed + counted.failed,
      recordsHeldBack: job.recordsHeldBack + counted.heldBack,
      watermarkKept:
        job.watermarkKept === 'held_back'
          ? 'held_back'
          : (reasonToKeep(page, job, changes) ?? job.watermarkKept),
      hasTombstones: job.hasTombstones || changes.hasKnownTombstones,
      // A record without an id may be one that seems to be missing.
      deletesWithheld: page.refused.some(({ remoteId }) => remoteId === null)
        ? 'list_changed'
        : job.deletesWithheld,
    },
  );
  return { ...after, ...reached };
}

/** How far the page has brought the list, or its range. */
function reachedBy(
  { now }: TenantWork,
  page: PageToApply,
  before: Pick<SyncJob, 'pages' | 'repeatedPages' | 'expectedRecords' | 'remoteTotal'>,
  { isRepeated, isInitialLoad }: { isRepeated: boolean; isInitialLoad: boolean },
) {
  const isEmpty = page.records.length + page.tombstones.length + page.refused.length === 0;
  return {
    cursor: page.nextCursor,
    pages: before.pages + 1,
    // Many empty pages in a row are as suspicious as repeated ones.
    repeatedPages: isRepeated || isEmpty ? before.repeatedPages + 1 : 0,
    readFinishedAt: page.nextCursor === null ? now : null,
    expectedRecords: before.expectedRecords ?? page.total,
    remoteTotal: page.total ?? before.remoteTotal,
    isInitialLoad,
  };
}

/** Every range begins at a time of its own. */
function earliest({ asOf }: SyncJob, page: PageToApply, { pages }: SyncRange): Date | null {
  if (pages > 0 || page.asOf === null) return asOf;
  return asOf === null || page.asOf < asOf ? page.asOf : asOf;
}

function reasonToKeep(
  { refused }: PageToApply,
  { syncToken }: SyncJob,
  { heldBack }: PageChanges,
): WatermarkKept | null {
  // After a token nothing is listed twice: what could not be read is only found from the former one.
  if (syncToken !== null && refused.some(({ code }) => READ_AGAIN.has(code))) return 'held_back';
  if (heldBack.length === 0) return null;
  return heldBack.every(({ code }) => code === 'just_pushed') ? 'just_pushed' : 'held_back';
}

/** Most likely these are not the ids by which the list knows its records. */
function unmatchedDeletions({ tombstones }: PageToApply, { unknownTombstones }: PageChanges): RecordError[] {
  const [example] = tombstones;
  if (example === undefined || unknownTombstones < tombstones.length) return [];
  const message =
    `None of the ${tombstones.length} deletions on a page has the id of a linked record. ` +
    'If these records were not deleted before, check where the list of deletions has its ids.';
  return [{ remoteId: example, code: 'no_deletion_matched', message }];
}

/** Deleted records are not read but listed, so they are counted apart. */
function countRecords(
  { records, refused, erased = 0 }: PageToApply,
  { drafts, unchanged, leftOut, errors, heldBack }: PageChanges,
  { created, changed }: Pick<PageRecords, 'created' | 'changed'>,
): Accounted {
  return {
    read: records.length + refused.length + erased,
    new: created.length,
    changed: changed.length,
    unchanged: erased + unchanged.length + leftOut + drafts.length - created.length - changed.length,
    failed: refused.length + errors.length,
    heldBack: heldBack.length,
  };
}

/** Changes that were made before the last run of the record type, and were not visible to it. */
async function learnFromLateChanges(
  work: TenantWork,
  page: PageToApply,
  { drafts }: PageChanges,
): Promise<void> {
  const modifiedAt = drafts.flatMap(({ draft, remote }) =>
    draft.isTouched && remote.modifiedAt ? [remote.modifiedAt] : [],
  );
  if (modifiedAt.length > 0) await learnDatasetOverlap(work, { ...page, modifiedAt });
}

interface PageRecords {
  seen: string[];
  created: string[];
  changed: { record_id: string; fields: string[]; was_deleted?: true }[];
}

/** Local records that the page shows to exist. */
export const seenIn = ({ drafts, unchanged, alsoSeen }: PageChanges): string[] => [
  ...drafts.map(({ draft }) => draft.recordId),
  ...unchanged,
  ...alsoSeen,
];

function idsOf(changes: PageChanges): PageRecords {
  const { drafts } = changes;
  const touched = drafts.filter(({ draft }) => draft.isTouched).map(({ draft }) => draft);
  return {
    seen: seenIn(changes),
    created: touched.filter(({ before }) => before === null).map(({ recordId }) => recordId),
    changed: touched
      .filter(({ before }) => before !== null)
      .map(({ recordId, changedFields, before }) => ({
        record_id: recordId,
        fields: [...changedFields],
        ...(before?.isDeleted ? { was_deleted: true as const } : {}),
      })),
  };
}

/**
 * Progress ends a series of failures. The caller has locked the job. `ids`: the encoded ids of the records,
 * if all of them are new.
 */
export async function writeCheckpoint(
  { trx, tenantId, now }: TenantWork,
  { syncRunId, recordType }: PassKey,
  {
    number,
    idsDigest,
    seen,
    created,
    changed,
    ids,
  }: PageRecords & { number: number; idsDigest: string; ids?: Buffer | undefined },
  progress: Partial<Omit<SyncJob, 'error'>>,
): Promise<SyncJob> {
  const row = {
    tenantId,
    syncRunId,
    recordType,
    page: number,
    idsDigest,
    seen: sql<string[]>`${ids ?? arrayParameter(seen, 'uuid')}::uuid[]`,
    created: sql<string[]>`${ids ?? arrayParameter(created, 'uuid')}::uuid[]`,
    changed: JSON.stringify(changed),
    deleted: [],
    at: now,
  };
  return trx
    .with('page', (db) => db.insertInto('syncPages').values(row))
    .updateTable('syncJobs')
    .set({ ...progress, failingSince: null, isLastAttemptFailed: false, error: null, updatedAt: now })
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', syncRunId)
    .where('recordType', '=', recordType)
    .returningAll()
    .executeTakeFirstOrThrow();
}
