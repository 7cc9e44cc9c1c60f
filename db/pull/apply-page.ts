/**
 * Applies one page of a third party's records: records, links, pairs of other integrations, the page's own row and the job's
 * checkpoint in one transaction, and last what there is to tell of them (rules.md 40). A crash before it costs the page; after it the page is
 * done; nothing counts twice. Only a PostgreSQL that dies may forget the pages of the last moment, whole, and then they are read again
 * (docs/decisions/0018).
 *
 * Works in sets. What is as it was (same hash) is only looked up, never sent or written.
 * Locks, always in this order: the job, the tenant's mappings (shared), records by id, pairs by record and integration.
 */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { JsonObject } from '../../domain/json';
import type { RecordTypeMapping } from '../../domain/records/mapping';
import { newUuid, toTypeId } from '../sql/ids';
import { arrayParameter } from '../sql/binary-arrays';
import { type TenantWork, waitForDisk } from '../database';
import { lockMappings } from '../records/mapping-lock';
import {
  hasNoLinks,
  canBulkInsert,
  prepareBulkInsert,
  mergeUnmatched,
  type BulkInsert,
} from './initial-load';
import { expectPulled, keepReviewed } from './apply-reviewed';
import { findAcceptingIntegrations } from '../records/accepting-integrations';
import { writeRecordSyncs } from '../records/update-record-syncs';
import { type MergedPage, mergeKnown, type PulledDraft } from './merge-page';
import { findKnown } from './match-records';
import { insertNew, rowsOfNew } from './insert-new-records';
import { writeOriginRecordSyncs, writeLinks } from './write-links';
import { emitRecordChanges } from '../records/record-events';
import { writeRecords } from '../records/write-records';
import { rowsFrom } from '../sql/bulk-rows';
import { checkForInterruption } from './pass-state';
import { lockSyncJob, type SyncJob } from '../sync-runs/sync-jobs';

/** One record of a page, made ready outside the transaction. */
export interface PulledRecord {
  remoteId: string;
  remoteVersion: string | null;
  /** Our id of it, where they keep it. */
  externalId: string | null;
  /** In our words. */
  fields: JsonObject;
  /** The same as JSON. */
  text: string;
  /** In theirs; only for what is synced both ways. */
  remote: JsonObject | null;
  /** Of what matters of it under the mapping. */
  hash: string;
}

export interface PageToApply {
  integration: {
    integrationId: string;
    recordTypes: Record<string, RecordTypeMapping>;
    onboardedAt: Date | null;
  };
  syncRunId: string;
  /** Only what this overview showed is applied. */
  overviewId?: string | null;
  recordType: string;
  /** Pages that were applied when this one was asked for: somebody else went on meanwhile if there are more. */
  pagesBefore: number;
  records: readonly PulledRecord[];
  /** Ids of records that are gone there. */
  tombstones: readonly string[];
  /** Records that cannot be kept; an id that is known counts as seen. */
  refused: readonly RefusedRecord[];
  /** Records that are kept, but not quite as they are there. */
  altered: readonly RefusedRecord[];
  nextCursor: string | null;
  asOf: Date | null;
  /** How many records the whole list holds, where the page says so. */
  total: number | null;
  /** When it was asked for at the earliest, by the database's clock: what was pushed since is newer than this page. */
  requestedAt: Date;
  /** In a first pass: write what is new without a look whether it is. Where that fails the page has to be applied again without this. */
  isAssumedNew?: boolean;
  /** Made ready for that, where somebody had the time. */
  unmatched?: BulkInsert | undefined;
}

export interface RefusedRecord {
  remoteId: string | null;
  code: string;
  message: string;
}

export type AppliedPage =
  /** `isInterrupted`: this page is kept, but nothing more is to be begun. */
  | { kind: 'applied'; job: SyncJob; isInterrupted: boolean }
  /** Canceled, deleted, or another attempt has gone on: stop. */
  | { kind: 'stopped' };

/** What was reviewed and could not be applied, noted like any other complaint of the job. */
export async function recordSkippedRecords(
  work: TenantWork,
  place: { syncRunId: string; recordType: string },
  skippedRecords: readonly RefusedRecord[],
  count: number,
): Promise<void> {
  const job = await lockSyncJob(work, place);
  if (job === undefined || job.finishedAt !== null || count === 0) return;
  await writeErrors(work, place, job, skippedRecords);
  await work.trx
    .updateTable('syncJobs')
    .set({ recordsFailed: job.recordsFailed + count, updatedAt: work.now })
    .where('tenantId', '=', work.tenantId)
    .where('syncRunId', '=', place.syncRunId)
    .where('recordType', '=', place.recordType)
    .execute();
}

/** Complaints that are kept per job; the count goes on. */
const ERRORS_KEPT_MAX = 1_000;

/** @param meanwhile called when the database has the most to do and this process has not, unless nothing more is to be begun; perhaps more than once. */
export async function applyPage(
  work: TenantWork,
  page: PageToApply,
  meanwhile: () => unknown = () => undefined,
): Promise<AppliedPage> {
  const idsDigest = digestOf(page);
  const job = await lockJobOf(work, page, idsDigest);
  if (
    job === undefined ||
    job.finishedAt !== null ||
    job.pages !== page.pagesBefore ||
    job.readFinishedAt !== null
  )
    return { kind: 'stopped' };
  const { isRepeated } = job;

  await lockMappings(work, 'shared');
  const { isGone, isInterrupted, isLocked, isMuted } = await checkForInterruption(work, {
    ...page,
    integrationId: page.integration.integrationId,
  });
  // What comes in after the integration was deleted would leave links that nobody takes away.
  if (isGone) return { kind: 'stopped' };
  const isInitialLoad =
    page.isAssumedNew === true &&
    canBulkInsert(page) &&
    (job.pages === 0 ? await hasNoLinks(work, page) : job.isInitialLoad);
  const unmatched = isInitialLoad ? (page.unmatched ?? prepareBulkInsert(page)) : undefined;
  const goOn = isInterrupted ? () => undefined : meanwhile;
  const merged =
    unmatched === undefined
      ? await lookUp(work, page, goOn)
      : { ...mergeUnmatched(work, page, unmatched), ...NOTHING_BESIDES };
  const { drafts, unchanged, conflicts, refused } =
    page.overviewId == null
      ? merged
      : await keepReviewed(work, { ...page, overviewId: page.overviewId }, merged);
  const touched = drafts.filter(({ draft }) => draft.isTouched);
  const created = touched.filter(({ draft }) => draft.before === null);
  const author = {
    actor: `integration:${toTypeId('int', page.integration.integrationId)}`,
    requestId: toTypeId('run', page.syncRunId),
  };
  if (created.length > 0) {
    const rows =
      unmatched?.rows ??
      rowsOfNew(created.map(({ draft: { recordId }, remote, agreed }) => ({ recordId, remote, agreed })));
    const inserting = insertNew(work, page, rows, author.actor);
    goOn();
    await inserting;
  }
  await writeRecords(
    work,
    touched.filter(({ draft }) => draft.before !== null).map(({ draft }) => draft),
    author.actor,
  );
  if (page.overviewId != null)
    await expectPulled(
      work,
      { ...page, overviewId: page.overviewId },
      touched.map(({ draft }) => draft),
    );
  const opensRecordSyncs =
    touched.length > 0 &&
    (await writeRecordSyncs(
      work,
      await findAcceptingIntegrations(work, { except: page.integration.integrationId }),
      touched.map(({ draft }) => draft),
      author,
    ));
  await writeLinks(
    work,
    page,
    drafts.filter(({ draft }) => draft.before !== null),
  );
  await writeOriginRecordSyncs(work, page, drafts);
  await writeConflicts(work, page, conflicts);
  const skippedRecords = [...page.refused, ...page.altered, ...refused];
  await writeErrors(work, page, job, skippedRecords);
  const counts = {
    ...countsOf(page, drafts, unchanged),
    failed: skippedRecords.length,
    isRepeated,
    isInitialLoad,
  };
  const row = pageRow(page, { idsDigest, drafts, unchanged, alsoThere: merged.alsoThere });
  const applied = {
    kind: 'applied' as const,
    job: await checkpoint(work, page, row, job, counts, merged),
    isInterrupted,
  };
  const isKnown = touched.length > 0 && (opensRecordSyncs || !isLocked || !isMuted);
  // What is missing is told by all pages: none of them may be forgotten once the last one is written.
  if (isKnown || page.nextCursor === null) await waitForDisk(work);
  if (touched.length > 0 && !isMuted)
    await emitRecordChanges(
      work,
      {
        integrationId: page.integration.integrationId,
        syncRunId: page.syncRunId,
        recordType: page.recordType,
      },
      touched.map(({ draft }) => draft),
    );
  return applied;
}

interface CommonFacts extends MergedPage {
  /** Records of ours that the page shows to be there, though it says nothing of them that could be kept. */
  alsoThere: readonly string[];
  /** Records of ours are gone there. */
  hasKnownTombstones: boolean;
}
/** Of a first meeting. */
const NOTHING_BESIDES = { alsoThere: [], hasKnownTombstones: false };

async function lookUp(work: TenantWork, page: PageToApply, meanwhile: () => unknown): Promise<CommonFacts> {
  const looking = findKnown(work, page);
  meanwhile();
  const known = await looking;
  return {
    ...(await mergeKnown(work, page, known)),
    alsoThere: [...known.refused, ...known.duplicateLinks],
    hasKnownTombstones: known.hasKnownTombstones,
  };
}

/** The same ids in whatever order: a list that goes round may be shuffled each time. An empty page says nothing. */
function digestOf({ records, tombstones, refused }: PageToApply): string {
  const ids = [
    ...records.map(({ remoteId }) => remoteId),
    ...tombstones,
    ...refused.map(({ remoteId }) => remoteId ?? ''),
  ];
  return ids.length === 0
    ? ''
    : createHash('sha256').update(JSON.stringify(ids.toSorted())).digest('base64url').slice(0, 22);
}

/**
 * The job, locked to the end of the transaction, and whether a page of it held the same ids before: as of before the wait for the lock, but
 * whoever wrote a page meanwhile has moved `pages` too, and then this one is not applied.
 */
async function lockJobOf(
  { trx, tenantId }: TenantWork,
  { syncRunId, recordType }: PageToApply,
  idsDigest: string,
): Promise<(SyncJob & { isRepeated: boolean }) | undefined> {
  const row = await trx
    .selectFrom('syncJobs')
    .selectAll()
    .select(({ exists, selectFrom }) =>
      exists(
        selectFrom('syncPages')
          .select('page')
          .where('tenantId', '=', tenantId)
          .where('syncRunId', '=', syncRunId)
          .where('recordType', '=', recordType)
          .where('idsDigest', '=', idsDigest)
          .where('idsDigest', '<>', ''),
      ).as('isRepeated'),
    )
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', syncRunId)
    .where('recordType', '=', recordType)
    .forUpdate()
    .executeTakeFirst();
  return row && { ...row, isRepeated: row.isRepeated === true };
}

interface Counts {
  read: number;
  created: number;
  changed: number;
  unchanged: number;
  failed: number;
}

function countsOf(
  page: PageToApply,
  drafts: readonly PulledDraft[],
  unchanged: readonly string[],
): Omit<Counts, 'failed'> {
  const created = drafts.filter(({ draft }) => draft.isTouched && draft.before === null).length;
  const changed = drafts.filter(({ draft }) => draft.isTouched && draft.before !== null).length;
  const read = page.records.length + page.refused.length;
  return { read, created, changed, unchanged: unchanged.length + drafts.length - created - changed };
}

/** What a page keeps of itself: which records of ours it held, made and changed. */
function pageRow(
  { syncRunId, recordType, pagesBefore }: PageToApply,
  page: {
    idsDigest: string;
    drafts: readonly PulledDraft[];
    unchanged: readonly string[];
    alsoThere: readonly string[];
  },
) {
  const touched = page.drafts.filter(({ draft }) => draft.isTouched);
  const created = touched.filter(({ draft }) => draft.before === null).map(({ draft }) => draft.recordId);
  const changed = touched
    .filter(({ draft }) => draft.before !== null)
    .map(({ draft }) => ({
      record_id: draft.recordId,
      fields: [...draft.changedFields],
      ...(draft.before?.isDeleted ? { was_deleted: true } : {}),
    }));
  const seen = [...page.drafts.map(({ draft }) => draft.recordId), ...page.unchanged, ...page.alsoThere];
  return {
    syncRunId,
    recordType,
    page: pagesBefore,
    idsDigest: page.idsDigest,
    seen: sql<string[]>`${arrayParameter(seen, 'uuid')}::uuid[]`,
    created: sql<string[]>`${arrayParameter(created, 'uuid')}::uuid[]`,
    changed: JSON.stringify(changed),
    deleted: [],
  };
}

/** The page's own row, and how far the job is with it. */
async function checkpoint(
  { trx, tenantId, now }: TenantWork,
  page: PageToApply,
  row: ReturnType<typeof pageRow>,
  job: SyncJob,
  counts: Counts & { isRepeated: boolean; isInitialLoad: boolean },
  { hasKnownTombstones }: Pick<CommonFacts, 'hasKnownTombstones'>,
): Promise<SyncJob> {
  const isEmpty = page.records.length + page.tombstones.length + page.refused.length === 0;
  const isUnnamed = page.refused.some(({ remoteId }) => remoteId === null);
  return trx
    .with('page', (db) => db.insertInto('syncPages').values({ ...row, tenantId, at: now }))
    .updateTable('syncJobs')
    .set((eb) => ({
      cursor: page.nextCursor,
      pages: job.pages + 1,
      // Empty ones lead nowhere either, if there are many.
      repeatedPages: counts.isRepeated || isEmpty ? job.repeatedPages + 1 : 0,
      asOf: job.pages === 0 ? page.asOf : job.asOf,
      readFinishedAt: page.nextCursor === null ? now : null,
      expectedRecords: job.expectedRecords ?? page.total,
      remoteTotal: page.total ?? job.remoteTotal,
      // Of a page that comes again only what has changed meanwhile is something that was read.
      recordsRead: eb('recordsRead', '+', counts.isRepeated ? counts.created + counts.changed : counts.read),
      recordsNew: eb('recordsNew', '+', counts.created),
      recordsChanged: eb('recordsChanged', '+', counts.changed),
      recordsUnchanged: eb('recordsUnchanged', '+', counts.isRepeated ? 0 : counts.unchanged),
      recordsFailed: eb('recordsFailed', '+', counts.failed),
      isInitialLoad: counts.isInitialLoad,
      hasTombstones: job.hasTombstones || hasKnownTombstones,
      // Which record an item without an id is, nobody can tell: it may be one that seems to be missing.
      deletesWithheld: isUnnamed ? 'list_changed' : job.deletesWithheld,
      failingSince: null,
      isLastAttemptFailed: false,
      error: null,
      updatedAt: now,
    }))
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', page.syncRunId)
    .where('recordType', '=', page.recordType)
    .returningAll()
    .executeTakeFirstOrThrow();
}

async function writeErrors(
  { trx, tenantId, now }: TenantWork,
  { syncRunId, recordType }: { syncRunId: string; recordType: string },
  job: SyncJob,
  skippedRecords: readonly RefusedRecord[],
): Promise<void> {
  const kept = skippedRecords.slice(0, Math.max(0, ERRORS_KEPT_MAX - job.recordsFailed));
  if (kept.length === 0) return;
  const rows = kept.map(({ remoteId, code, message }) => ({
    error_id: newUuid(),
    remote_id: remoteId,
    code,
    message: message.slice(0, 1_000),
  }));
  await sql`
    insert into sync_record_errors (tenant_id, sync_run_id, sync_record_error_id, record_type, remote_id, code, message, at)
    select ${tenantId}::uuid, ${syncRunId}::uuid, error_id, ${recordType}, remote_id, code, message, ${now}::timestamptz
    from ${rowsFrom(rows, 'error_id uuid, remote_id text, code text, message text')}`.execute(trx);
}

export interface NewConflict {
  remoteId: string;
  recordId: string | null;
  kind: 'field_changed_on_both_sides' | 'ambiguous_match';
  field: string | null;
  ours: unknown;
  theirs: unknown;
  winner: 'ours' | 'theirs' | null;
  detail: string;
}

async function writeConflicts(
  { trx, tenantId, now }: TenantWork,
  page: PageToApply,
  conflicts: readonly NewConflict[],
): Promise<void> {
  if (conflicts.length === 0) return;
  const rows = conflicts.map(({ remoteId, recordId, ours, theirs, ...conflict }) => ({
    ...conflict,
    conflict_id: newUuid(),
    remote_id: remoteId,
    record_id: recordId,
    ours: ours === undefined ? null : ours,
    theirs: theirs === undefined ? null : theirs,
  }));
  const columns =
    'conflict_id uuid, remote_id text, record_id uuid, kind text, field text, ours jsonb, theirs jsonb, winner text, detail text';
  await sql`
    insert into sync_conflicts (tenant_id, sync_conflict_id, integration_id, sync_run_id, record_type, remote_id, record_id, kind, field, ours, theirs, winner, detail, at)
    select ${tenantId}::uuid, conflict_id, ${page.integration.integrationId}::uuid, ${page.syncRunId}::uuid, ${page.recordType}, remote_id, record_id, kind, field, ours,
      theirs, winner, detail, ${now}::timestamptz
    from ${rowsFrom(rows, columns)}
    -- One that nobody could tell apart is said once, not once a night.
    where row.kind <> 'ambiguous_match' or not exists (
      select from sync_conflicts known where known.tenant_id = ${tenantId} and known.integration_id = ${page.integration.integrationId} and known.record_type = ${page.recordType}
        and known.remote_id = row.remote_id and known.kind = row.kind)`.execute(trx);
}
