/** The types of a page of remote records on its way into the database, shared by the stages that apply it. */
import type { JsonObject, JsonValue } from '../../domain/json';
import type { RecordTypeMapping, RecordTypeMappings } from '../../domain/records/mapping';
import type { Notation } from '../../domain/records/notation';
import type { ChangeAuthor, RecordDraft } from '../../domain/records/record-draft';
import type { NewConflict } from '../records/conflicts';
import { toTypeId } from '../sql/ids';
import type { SyncJob } from './job-rows';

/** A push is recorded a moment after the third party answered it. */
export const PUSH_RECORDED_WITHIN_MS = 5_000;

/** One run's pass over one dataset. */
export interface PassKey {
  integrationId: string;
  syncRunId: string;
  recordType: string;
}

/** The author of the changes that a run pulls, as the push log shows it. */
export function pullAuthor({ integrationId, syncRunId }: PassKey): ChangeAuthor {
  return {
    actor: `integration:${toTypeId('int', integrationId)}`,
    requestId: toTypeId('run', syncRunId),
  };
}

/** The dataset that pages are applied to. */
export interface PullTarget {
  integrationId: string;
  recordType: string;
  mapping: RecordTypeMapping;
  /**
   * `<prefix><remote id>` is the external id of a record that Syncline created from this dataset (rules.md
   * 13).
   */
  externalIdPrefix: string;
  isOnboarded: boolean;
}

/** Of the records that pulls of an integration create. */
export const externalIdPrefixOf = (integrationId: string): string => `${toTypeId('int', integrationId)}:`;

/** @throws if the integration no longer maps the record type. */
export function pullTargetOf(
  integration: { integrationId: string; recordTypes: RecordTypeMappings; onboardedAt: Date | null },
  recordType: string,
): PullTarget {
  const { integrationId } = integration;
  const mapping = integration.recordTypes[recordType];
  if (mapping === undefined) throw new Error(`The integration maps no record type ${recordType}.`);
  return {
    integrationId,
    recordType,
    mapping,
    externalIdPrefix: externalIdPrefixOf(integrationId),
    isOnboarded: integration.onboardedAt !== null,
  };
}

/** A remote record, converted to Syncline's fields outside the transaction. */
export interface PulledRecord {
  remoteId: string;
  remoteVersion: string | null;
  /** Syncline's external id of the record, where the third party stores it. */
  externalId: string | null;
  /** In Syncline's field names. */
  fields: JsonObject;
  /** `fields` as JSON text. */
  text: string;
  /** In the third party's field names; null unless the record type is synced in both directions. */
  remote: JsonObject | null;
  /** Hash of everything that is relevant under the mapping. */
  hash: string;
  /** Local fields whose remote value does not fit: they keep the value that they have. */
  unread?: readonly string[];
  /** Fields that name records which are not known here yet; also in `unread`. */
  promises?: readonly PulledPromise[];
  /** When it was last modified there, if that is known. */
  modifiedAt?: Date | null;
}

/** A field whose value names a record of the third party that no record here is linked to. */
export interface PulledPromise {
  field: string;
  /** `to` of the mapping. */
  place: string;
  /** Of the record that it names. */
  recordType: string;
  /** With the ids of ours that are known. */
  value: JsonValue;
}

/** Why a record was not stored, not stored exactly as read, or not pushed; kept in the Sync Log. */
export interface RecordError {
  remoteId: string | null;
  code: string;
  message: string;
}

/** What a third party answered for one page, ready to be applied. */
export interface PreparedPage {
  records: readonly PulledRecord[];
  /** Ids of records that were deleted at the third party. */
  tombstones: readonly string[];
  /** Records that cannot be stored. A linked one counts as seen, so it is not taken for deleted. */
  refused: readonly RecordError[];
  /** Records that are stored with replaced characters, and not counted as failed. */
  altered: readonly RecordError[];
  /** Records with a value that does not fit its field: stored without it, and not counted as failed. */
  warned?: readonly RecordError[];
  nextCursor: string | null;
  /** What the next incremental run begins with, where the page says so. */
  syncToken?: string | undefined;
  asOf: Date | null;
  /** Number of records in the whole list, where the page says so. */
  total: number | null;
}

export interface PageToApply extends PullTarget, PreparedPage {
  syncRunId: string;
  /** Records that were left out because they were erased. */
  erased?: number;
  /** Only the items of this overview are applied; null = everything. */
  overviewId: string | null;
  /** The range of the list that it is of. Absent: the list is read in one piece. */
  range?: number | undefined;
  /**
   * Pages applied before this one was requested, of its range if it has one. More by now means that another
   * worker has continued.
   */
  pagesBefore: number;
  /** Fields that its records lack keep their values. */
  isSparse?: boolean;
  /** Webhooks announce changes of its records: those that no webhook has announced are counted. */
  expectsWebhooks?: boolean;
  /** Fields that are suddenly empty are emptied at once; otherwise the records wait. */
  appliesEmptied?: boolean;
  /** Earliest time of the request, by the database's clock. A push after this time is newer than the page. */
  requestedAt: Date;
}

/** A page that may create records. */
export interface CreatingPage extends PageToApply {
  /** How many records of a type a tenant may have, unless it has a limit of its own. */
  recordsPerType: number;
}

/** A linked record. */
export interface LinkedRecord {
  recordId: string;
  remoteHash: string | null;
  linkedAt: Date;
}

/** A remote record that fits several local records, or a local record that several remote ones fit. */
export interface AmbiguousMatch {
  remoteId: string;
  field: string;
  value: unknown;
  candidates: number;
}

/** A local record that a push may have created at the third party. */
export interface DoubtfulCreation {
  recordId: string;
  externalId: string;
}

/**
 * Which local records the records of a page are. Maps and sets are keyed by remote id, lists hold record ids.
 */
export interface RecordMatches {
  /** Linked, and the hash is the stored one: most of nearly every page, so only the id is fetched. */
  unchanged: readonly string[];
  linked: ReadonlyMap<string, LinkedRecord>;
  unlinked: ReadonlySet<string>;
  /** Unlinked remote records for which a local record was found. */
  matched: ReadonlyMap<string, string>;
  ambiguous: readonly AmbiguousMatch[];
  /** Remote records whose external id here is that of a record with another link, by remote id. */
  taken: ReadonlyMap<string, string>;
  /** May be records that a push has created, without knowing their ids yet; held back. */
  undecided: ReadonlySet<string>;
  /** The same, held back for so long that they are stored as new ones. */
  doubtful: ReadonlyMap<string, DoubtfulCreation>;
  /** Local records that the page shows to exist although nothing can be stored of them. */
  alsoSeen: readonly string[];
  hasKnownTombstones: boolean;
  /** Ids of deleted records that no record is linked to. */
  unknownTombstones: number;
}

/** A remote record to be stored as a new local record. */
export interface NewRecord {
  recordId: string;
  remote: PulledRecord;
  /** What both sides agree on; null where records are only read. */
  agreed: JsonObject | null;
  notation: Notation | null;
}

/** A new record, or a local one with the values of a page merged into it. */
export interface PulledDraft {
  draft: RecordDraft;
  remote: PulledRecord;
  /** What both sides agree on now; null where records are only read. */
  agreed: JsonObject | null;
  notation: Notation | null;
  /** False where a local change has yet to be pushed. */
  isAgreed: boolean;
}

export interface EmptiedRecord {
  recordId: string;
  fields: string[];
  remote: PulledRecord;
}

/** What a page changes here: the value that flows from stage to stage. */
export interface PageChanges {
  /** Records whose link has to be written; `isTouched` where the record itself changes too. */
  drafts: readonly PulledDraft[];
  /** Ids of local records that stay as they are. */
  unchanged: readonly string[];
  /** Number of records without a local record that a Sync Now leaves alone: they were not reviewed. */
  leftOut: number;
  /** Linked records with a filled field that the page would empty; also in `unchanged`. */
  emptied?: readonly EmptiedRecord[];
  conflicts: readonly NewConflict[];
  /** Records that are not stored. */
  errors: readonly RecordError[];
  /** Records that a later run decides. */
  heldBack: readonly RecordError[];
  /** See `RecordMatches`. */
  alsoSeen: readonly string[];
  hasKnownTombstones: boolean;
  unknownTombstones: number;
}

export type AppliedPage =
  /** `isInterrupted`: the page is stored, but no further one may be requested. */
  | { kind: 'applied'; job: SyncJob; isInterrupted: boolean }
  /** Nothing was stored: the run was canceled, the integration deleted, or another worker has continued. */
  | { kind: 'stopped' };
