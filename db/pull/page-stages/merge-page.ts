/**
 * Stage of applying a page: decides what it changes. Unmatched records become new ones, changed ones are
 * merged field by field (rules.md 17), the rest stays as it is.
 */
import { sql } from 'kysely';
import { type JsonObject, jsonEquals } from '../../../domain/json';
import type { RecordTypeMapping } from '../../../domain/records/mapping';
import { editsOfDeleted } from '../../../domain/pull/edits-of-deleted';
import { takeAll } from '../../../domain/pull/take-all';
import { type Agreement, agreementOnRead } from '../../../domain/pull/agreement';
import { mergePulled } from '../../../domain/pull/three-way-merge';
import { fieldVersionsAfter, isPulledField } from '../../../domain/records/field-versions';
import type { Notation } from '../../../domain/records/notation';
import type { VersionedRecord } from '../../../domain/records/record-change';
import type { TenantWork } from '../../database';
import { type NewConflict, newFieldConflict } from '../../records/conflicts';
import { opaqueToPlanner } from '../../sql/bulk-rows';
import { newUuid } from '../../sql/ids';
import { emptiedBy } from './emptied-by-page';
import { newDraft } from './new-draft';
import { requireUnlinked } from './write-links';
import {
  ambiguousConflict,
  ambiguousError,
  doubtfulConflict,
  justPushed,
  maybeOurCreation,
  removedHere,
  secondMatch,
  takenConflict,
  takenError,
} from './page-complaints';
import {
  type LinkedRecord,
  type PageChanges,
  type PageToApply,
  type PassKey,
  PUSH_RECORDED_WITHIN_MS,
  type PulledDraft,
  type PulledRecord,
  type RecordError,
  type RecordMatches,
} from '../page';

export async function mergePage(
  work: TenantWork,
  page: PageToApply,
  matches: RecordMatches,
): Promise<PageChanges> {
  const { mapping, recordType, externalIdPrefix, isSparse = false } = page;
  const common = { recordType, mapping, isSparse, now: work.now };
  const { created, toMerge, unchanged, errors, heldBack, alsoSeen } = sortRecords(page, matches);
  const rows = await lockRecords(work, page, [...toMerge.keys()]);
  await requireUnlinked(work, page, [...matches.matched.values()]);
  const merged = rows.flatMap((row): MergedRecord[] => {
    const remote = toMerge.get(row.recordId);
    if (remote === undefined) return [];
    const isLinked = matches.linked.has(remote.remoteId);
    const isCreatedByPull = row.externalId === externalIdPrefix + remote.remoteId;
    return [mergeRecord({ ...common, row, remote, isLinked, isCreatedByPull })];
  });
  const emptied =
    page.overviewId !== null || page.appliesEmptied ? [] : merged.flatMap(({ draft }) => emptiedBy(draft));
  const heldIds = new Set(emptied.map(({ recordId }) => recordId));
  const applied = merged.filter(({ draft }) => !heldIds.has(draft.draft.recordId));
  const ambiguous = matches.ambiguous.map(ambiguousConflict);
  const taken = [...matches.taken].map(takenConflict);
  const locked = new Set(rows.map(({ recordId }) => recordId));
  const gone = [...toMerge].filter(([recordId]) => !locked.has(recordId));
  return {
    drafts: [
      ...created.map((remote) =>
        newDraft(page, { recordId: newUuid(), remote, ...agreementOf(mapping, remote) }, work.now),
      ),
      ...applied.map(({ draft }) => draft),
    ],
    emptied,
    unchanged: [...matches.unchanged, ...unchanged, ...heldIds],
    leftOut: 0,
    conflicts: [
      ...ambiguous,
      ...taken,
      ...[...matches.doubtful].map(doubtfulConflict),
      ...applied.flatMap(({ conflicts }) => conflicts),
    ],
    errors: [...errors, ...ambiguous.map(ambiguousError), ...taken.map(takenError)],
    heldBack: [...heldBack, ...gone.map(([, { remoteId }]) => removedHere(remoteId))],
    alsoSeen: [...matches.alsoSeen, ...alsoSeen],
    unknownTombstones: matches.unknownTombstones,
    hasKnownTombstones: matches.hasKnownTombstones,
  };
}

interface SortedRecords {
  created: PulledRecord[];
  /** By the id of the local record. */
  toMerge: Map<string, PulledRecord>;
  unchanged: string[];
  errors: RecordError[];
  heldBack: RecordError[];
  /** Local records of what is held back. */
  alsoSeen: string[];
}

function sortRecords(
  { records, mapping, requestedAt }: PageToApply,
  { linked, unlinked, matched, ambiguous, taken, undecided }: RecordMatches,
): SortedRecords {
  const sorted: SortedRecords = {
    created: [],
    toMerge: new Map(),
    unchanged: [],
    errors: [],
    heldBack: [],
    alsoSeen: [],
  };
  const notStored = new Set([...ambiguous.map(({ remoteId }) => remoteId), ...taken.keys()]);
  for (const remote of records) {
    const { remoteId } = remote;
    const link = linked.get(remoteId);
    if (link === undefined && !unlinked.has(remoteId)) continue; // counted in `matches.unchanged`
    const recordId = link?.recordId ?? matched.get(remoteId);
    if (link?.remoteHash === remote.hash) sorted.unchanged.push(link.recordId);
    else if (link !== undefined && isOlderThanPush(mapping, link, requestedAt)) {
      sorted.heldBack.push(justPushed(remoteId));
      sorted.alsoSeen.push(link.recordId);
    } else if (recordId !== undefined && sorted.toMerge.has(recordId))
      sorted.errors.push(secondMatch(remoteId));
    else if (recordId !== undefined) sorted.toMerge.set(recordId, remote);
    else if (undecided.has(remoteId)) sorted.heldBack.push(maybeOurCreation(remoteId));
    else if (!notStored.has(remoteId)) sorted.created.push(remote);
  }
  return sorted;
}

/**
 * A page that was requested before the latest push was recorded may show the values from before that push.
 * Without a hash, the record was not read since a push.
 */
function isOlderThanPush(
  { direction }: RecordTypeMapping,
  { remoteHash, linkedAt }: LinkedRecord,
  requestedAt: Date,
): boolean {
  const isPushedSinceRead = direction === 'both' && remoteHash === null;
  return isPushedSinceRead && linkedAt.getTime() > requestedAt.getTime() - PUSH_RECORDED_WITHIN_MS;
}

/** Of a record that is stored as it was read; null where records are only read. */
function agreementOf(
  mapping: RecordTypeMapping,
  { fields, remote }: PulledRecord,
): Pick<PulledDraft, 'agreed' | 'notation'> {
  return mapping.direction === 'both' && remote !== null
    ? agreementOnRead(mapping, fields, remote)
    : { agreed: null, notation: null };
}

interface RecordRow extends VersionedRecord {
  recordId: string;
  externalId: string;
  changedAt: Date;
  agreed: JsonObject | null;
  notation: Notation | null;
  /** A push is in progress, or waits for a retry; null = there is no record sync. */
  isPushOpen: boolean | null;
  /** The payload of that push. */
  pushed: JsonObject | null;
  /** The latest change has not been sent. */
  isUnsent: boolean | null;
}

interface Merging {
  recordType: string;
  mapping: RecordTypeMapping;
  row: RecordRow;
  remote: PulledRecord;
  isLinked: boolean;
  /** Syncline created the local record from the remote one. */
  isCreatedByPull: boolean;
  /** A field that the remote record lacks was not changed. */
  isSparse: boolean;
  now: Date;
}

const agreementWith = (row: RecordRow, isSparse: boolean): Agreement => ({
  ...row,
  isSparse,
  isPushOpen: row.isPushOpen === true,
  isPulled: (field) => isPulledField(row, field),
});

interface MergedRecord {
  draft: PulledDraft;
  conflicts: NewConflict[];
}

function mergeRecord(merging: Merging): MergedRecord {
  const { recordType, mapping, row, remote, isLinked, isSparse, now } = merging;
  // Deleted here and still linked: the deletion will be pushed, or the mapping says to leave the remote
  // record alone.
  const isLeaving = row.isDeleted && isLinked;
  const result =
    mapping.direction === 'both' && !row.isDeleted && remote.remote !== null
      ? mergePulled(mapping, row.fields, agreementWith(row, isSparse), remote.remote)
      : {
          fields: takeAll(mapping, row.fields, remote.fields, { ...merging, unread: remote.unread ?? [] }),
          ...agreementOf(mapping, remote),
          conflicts: [],
          isAgreed: true,
        };
  const changedFields = isLeaving ? [] : differingFields(row.fields, result.fields);
  const isTouched = !isLeaving && (changedFields.length > 0 || row.isDeleted);
  const { version, fields, isDeleted, occurredAt, fieldVersions } = row;
  const before: VersionedRecord = { version, fields, isDeleted, occurredAt, fieldVersions };
  const changed = { version: version + 1, occurredAt: later(occurredAt, now) };
  const after: VersionedRecord = {
    ...changed,
    fields: result.fields,
    isDeleted: false,
    fieldVersions: isDeleted
      ? null
      : fieldVersionsAfter(before, changedFields, { ...changed, isPulled: true }),
  };
  const draft = {
    recordId: row.recordId,
    recordType,
    externalId: row.externalId,
    before,
    after: isTouched ? after : before,
    changedFields: new Set(changedFields),
    isTouched,
    changedAt: later(row.changedAt, now),
  };
  return {
    draft: {
      draft,
      remote,
      agreed: result.agreed,
      notation: isLeaving ? null : result.notation,
      isAgreed: result.isAgreed && !isLeaving,
    },
    conflicts: (isLeaving && row.isUnsent === true && remote.remote !== null
      ? editsOfDeleted(mapping, row.fields, agreementWith(row, isSparse), remote.remote)
      : result.conflicts
    ).map((conflict) => newFieldConflict({ recordId: row.recordId, remoteId: remote.remoteId }, conflict)),
  };
}

const later = (a: Date, b: Date): Date => (a > b ? a : b);

function differingFields(before: JsonObject, after: JsonObject): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter(
    (name) =>
      Object.hasOwn(before, name) !== Object.hasOwn(after, name) || !jsonEquals(before[name], after[name]),
  );
}

async function lockRecords(
  { trx, tenantId }: TenantWork,
  { integrationId }: PassKey,
  recordIds: string[],
): Promise<RecordRow[]> {
  if (recordIds.length === 0) return [];
  const { rows } = await sql<RecordRow>`
    select record.*, link.agreed, link.notation, record_sync.is_push_open, record_sync.is_unsent,
      record_sync.pushed
    from unnest(${recordIds.toSorted()}::uuid[]) as wanted(record_id)
    cross join lateral (
      select record_id, external_id, version, fields, occurred_at, changed_at, deleted_at is not null as is_deleted,
        field_versions
      from records where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = wanted.record_id for update) record
    left join lateral (
      select agreed, notation from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = wanted.record_id limit 1) link on true
    left join lateral (
      select push_id is not null as is_push_open, status <> 'synced' as is_unsent,
        (select payload from pushes where tenant_id = record_syncs.tenant_id
          and push_id = record_syncs.push_id) as pushed
      from record_syncs
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = wanted.record_id limit 1) record_sync on true`.execute(trx);
  return rows;
}
