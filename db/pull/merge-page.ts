/** What a page means for our records: new ones, changed ones merged field by field (rules.md 17), those that stay as they are. */
import { sql } from 'kysely';
import { type JsonObject, jsonEquals } from '../../domain/json';
import type { RecordTypeMapping } from '../../domain/records/mapping';
import { mergePulled, takeAll } from '../../domain/pull/three-way-merge';
import type { VersionedRecord } from '../../domain/records/record-change';
import type { TenantWork } from '../database';
import { newUuid } from '../sql/ids';
import type { NewRecord } from './insert-new-records';
import { externalIdsOf, type KnownRecord, type KnownRecords } from './match-records';
import type { RecordDraft } from '../../domain/records/record-draft';
import { opaqueToPlanner } from '../sql/bulk-rows';
import type { NewConflict, PageToApply, PulledRecord, RefusedRecord } from './apply-page';

export interface PulledDraft {
  draft: RecordDraft;
  remote: PulledRecord;
  /** What both sides agree on now; null where we only read. */
  agreed: JsonObject | null;
  /** False where a field here still waits to be sent. */
  isAgreed: boolean;
}

export interface MergedPage {
  /** Records whose link has something to note; `isTouched` where the record itself changed. */
  drafts: PulledDraft[];
  /** Records of ours, by id. */
  unchanged: string[];
  conflicts: NewConflict[];
  refused: RefusedRecord[];
}

/** Both clocks are the database's, but a push is noted a moment after it was answered. */
const PUSH_IS_NEWER_MS = 5_000;

interface RecordRow extends VersionedRecord {
  recordId: string;
  externalId: string;
  changedAt: Date;
  agreed: JsonObject | null;
}

export async function mergeKnown(
  work: TenantWork,
  page: PageToApply,
  known: KnownRecords,
): Promise<MergedPage> {
  const mapping = page.integration.recordTypes[page.recordType];
  if (mapping === undefined) throw new Error(`The integration maps no record type ${page.recordType}.`);
  const merged: MergedPage = { drafts: [], unchanged: [...known.unchanged], conflicts: [], refused: [] };
  const externalIdOf = externalIdsOf(page);
  const toMerge = new Map<string, PulledRecord>();
  const ambiguous = new Set(known.ambiguous.map(({ remoteId }) => remoteId));

  for (const remote of page.records) {
    const linked = known.linked.get(remote.remoteId);
    if (linked === undefined && !known.unmatched.has(remote.remoteId)) continue; // among the unchanged
    const recordId = linked?.recordId ?? known.matched.get(remote.remoteId);
    if (linked !== undefined && (linked.remoteHash === remote.hash || isOlderThanPush(mapping, linked, page)))
      merged.unchanged.push(linked.recordId);
    else if (recordId !== undefined && toMerge.has(recordId)) merged.refused.push(secondOf(remote));
    else if (recordId !== undefined) toMerge.set(recordId, remote);
    else if (!ambiguous.has(remote.remoteId) && !known.undecided.has(remote.remoteId))
      merged.drafts.push(
        newDraft(work, page.recordType, externalIdOf, {
          recordId: newUuid(),
          remote,
          agreed: agreedOf(mapping, remote),
        }),
      );
  }
  for (const { remoteId, field, value, candidates } of known.ambiguous) {
    const detail = `${field} ${JSON.stringify(value)} does not tell which record is meant: ${candidates} of ours and perhaps several of theirs have it.`;
    merged.conflicts.push({
      remoteId,
      recordId: null,
      kind: 'ambiguous_match',
      field,
      ours: null,
      theirs: value,
      winner: null,
      detail,
    });
    merged.refused.push({
      remoteId,
      code: 'ambiguous_match',
      message: `${detail} It is not kept until it can be told.`,
    });
  }

  const rows = await lockRecords(work, page, [...toMerge.keys()]);
  for (const row of rows) {
    const remote = toMerge.get(row.recordId);
    if (remote !== undefined)
      mergeInto(merged, { work, page, mapping, row, remote, isLinked: known.linked.has(remote.remoteId) });
  }
  return merged;
}

/** A page that was asked for before our last push was noted may show what was there before it. */
function isOlderThanPush(
  { direction }: RecordTypeMapping,
  { linkedAt }: KnownRecord,
  { requestedAt }: PageToApply,
): boolean {
  return direction === 'both' && linkedAt.getTime() > requestedAt.getTime() - PUSH_IS_NEWER_MS;
}

function secondOf({ remoteId }: PulledRecord): RefusedRecord {
  return {
    remoteId,
    code: 'ambiguous_match',
    message: 'Another record there names the same record of ours. It is not kept until only one does.',
  };
}

export function newDraft(
  { now }: TenantWork,
  recordType: string,
  externalIdOf: (remoteId: string) => string,
  { recordId, remote, agreed }: NewRecord,
): PulledDraft {
  return {
    remote,
    agreed,
    isAgreed: true,
    draft: new NewDraft(recordId, recordType, externalIdOf(remote.remoteId), remote, now),
  };
}

/** Looks at the record's fields only where somebody else does: a first pass makes a million of these. */
class NewDraft implements RecordDraft {
  readonly before = null;
  readonly isTouched = true;

  constructor(
    readonly recordId: string,
    readonly recordType: string,
    readonly externalId: string,
    private readonly remote: PulledRecord,
    readonly changedAt: Date,
  ) {}

  get after(): VersionedRecord {
    return { version: 1, fields: this.remote.fields, isDeleted: false, occurredAt: this.changedAt };
  }

  get changedFields(): Set<string> {
    return new Set(Object.keys(this.remote.fields));
  }
}

function agreedOf(mapping: RecordTypeMapping, { fields, remote }: PulledRecord): JsonObject | null {
  return mapping.direction === 'both' && remote !== null
    ? mergePulled(mapping, fields, null, remote).agreed
    : null;
}

interface Merging {
  work: TenantWork;
  page: PageToApply;
  mapping: RecordTypeMapping;
  row: RecordRow;
  remote: PulledRecord;
  isLinked: boolean;
}

function mergeInto(merged: MergedPage, { work, page, mapping, row, remote, isLinked }: Merging): void {
  const isBoth = mapping.direction === 'both' && remote.remote !== null;
  // Deleted here and still linked: our deletion is on its way there, or leaves it alone.
  const isLeaving = row.isDeleted && isLinked;
  const isTheirs = row.externalId === externalIdsOf(page)(remote.remoteId);
  const result =
    isBoth && !row.isDeleted && remote.remote !== null
      ? mergePulled(mapping, row.fields, row.agreed, remote.remote)
      : {
          fields: takeAll(mapping, row.fields, remote.fields, { isTheirs }),
          agreed: agreedOf(mapping, remote),
          conflicts: [],
          isAgreed: true,
        };
  const changedFields = isLeaving ? [] : differing(row.fields, result.fields);
  const isTouched = !isLeaving && (changedFields.length > 0 || row.isDeleted);
  const before: VersionedRecord = {
    version: row.version,
    fields: row.fields,
    isDeleted: row.isDeleted,
    occurredAt: row.occurredAt,
  };
  const after: VersionedRecord = {
    version: row.version + 1,
    fields: result.fields,
    isDeleted: false,
    occurredAt: row.occurredAt > work.now ? row.occurredAt : work.now,
  };
  merged.drafts.push({
    remote,
    agreed: result.agreed,
    isAgreed: result.isAgreed && !isLeaving,
    draft: {
      recordId: row.recordId,
      recordType: page.recordType,
      externalId: row.externalId,
      before,
      after: isTouched ? after : before,
      changedFields: new Set(changedFields),
      isTouched,
      changedAt: row.changedAt > work.now ? row.changedAt : work.now,
    },
  });
  for (const { field, ours, theirs, winner } of result.conflicts) {
    const detail = `${field} was changed here and there; ${winner === 'ours' ? 'ours is kept and will be sent' : 'theirs is taken'}.`;
    merged.conflicts.push({
      remoteId: remote.remoteId,
      recordId: row.recordId,
      kind: 'field_changed_on_both_sides',
      field,
      ours,
      theirs,
      winner,
      detail,
    });
  }
}

function differing(before: JsonObject, after: JsonObject): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter(
    (name) =>
      Object.hasOwn(before, name) !== Object.hasOwn(after, name) || !jsonEquals(before[name], after[name]),
  );
}

async function lockRecords(
  { trx, tenantId }: TenantWork,
  { integration }: PageToApply,
  recordIds: string[],
): Promise<RecordRow[]> {
  if (recordIds.length === 0) return [];
  const { rows } = await sql<RecordRow>`
    select record.*, link.agreed
    from unnest(${recordIds.toSorted()}::uuid[]) as wanted(record_id)
    cross join lateral (
      select record_id, external_id, version, fields, occurred_at, changed_at, deleted_at is not null as is_deleted
      from records where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = wanted.record_id for update) record
    left join lateral (
      select agreed from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integration.integrationId)} and record_id = wanted.record_id limit 1) link on true`.execute(
    trx,
  );
  return rows;
}
