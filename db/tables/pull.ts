import type { Generated } from 'kysely';
import type { ConflictDecision, ConflictKind, ConflictState } from '../../domain/records/conflict';
import type { SyncError } from '../../domain/sync-error';
import type { JobState, JobWait, WatermarkKept } from '../../domain/sync-runs/sync-run';
import type { Json } from './json-column';

/** The `record_type` of the job that reads metadata. */
export const METADATA_JOB = '';

export interface SyncJobsTable {
  tenantId: string;
  syncRunId: string;
  recordType: string;
  state: JobState;
  modifiedSince: Date | null;
  /** The job reads what has changed since the reading that gave this token; null = by time, or everything. */
  syncToken: Generated<string | null>;
  /** What the next incremental run begins with, once all of the list is stored. */
  nextSyncToken: Generated<string | null>;
  cursor: string | null;
  pages: Generated<number>;
  repeatedPages: Generated<number>;
  asOf: Date | null;
  readFinishedAt: Date | null;
  remoteTotal: number | null;
  expectedRecords: number | null;
  recordsRead: Generated<number>;
  recordsNew: Generated<number>;
  recordsChanged: Generated<number>;
  recordsDeleted: Generated<number>;
  recordsUnchanged: Generated<number>;
  recordsFailed: Generated<number>;
  /** Set once a full pass has compared both sides. */
  recordsMissing: Generated<number | null>;
  /** The first page since the pass last started over. */
  firstPage: Generated<number>;
  /** How far the comparison of both sides has come. */
  comparedPart: Generated<number>;
  comparedTo: Generated<string | null>;
  linksCompared: Generated<number>;
  missingFound: Generated<number>;
  /** Read, and left for a later run. */
  recordsHeldBack: Generated<number>;
  /** Reviewed changes that were not applied, because a side has changed since. */
  recordsSkipped: Generated<number>;
  /** The last item of the overview that was settled at the end of the job. */
  itemsSettledAction: Generated<string | null>;
  itemsSettledTo: Generated<string | null>;
  restarts: Generated<number>;
  /** Records that were read before the last restart. */
  recordsReadBefore: Generated<number>;
  /** Why the next incremental run does not start from this one. */
  watermarkKept: Generated<WatermarkKept | null>;
  deletesWithheld: 'list_changed' | 'needs_review' | null;
  hasTombstones: Generated<boolean>;
  /** Changes that no webhook had announced; null = none were expected. */
  webhooksMissed: Generated<number | null>;
  /** No record of the type was linked at the start, and every page so far held only new records. */
  isInitialLoad: Generated<boolean>;
  attempts: Generated<number>;
  failingSince: Date | null;
  /** Since `failingSince`, in a row. */
  failures: Generated<number>;
  isLastAttemptFailed: Generated<boolean>;
  error: Json<SyncError | null> | null;
  waitingUntil: Date | null;
  waitingReason: JobWait | null;
  startedAt: Date | null;
  finishedAt: Date | null;
  updatedAt: Date;
}

export interface SyncPagesTable {
  tenantId: string;
  syncRunId: string;
  recordType: string;
  page: number;
  idsDigest: string;
  seen: string[] | null;
  created: string[];
  changed: Json<{ record_id: string; fields: string[] }[]>;
  deleted: string[];
  at: Date;
}

/** A range of a list, read beside the others. */
export interface SyncRangesTable {
  tenantId: string;
  syncRunId: string;
  recordType: string;
  range: number;
  /** As the connector has described the range. */
  bounds: string;
  cursor: string | null;
  pages: Generated<number>;
  repeatedPages: Generated<number>;
  isInitialLoad: boolean;
  remoteTotal: number | null;
  expectedRecords: number | null;
  readFinishedAt: Date | null;
}

export interface SyncRecordErrorsTable {
  tenantId: string;
  syncRunId: string;
  syncRecordErrorId: string;
  recordType: string;
  remoteId: string | null;
  code: string;
  message: string;
  at: Date;
}

export interface SyncDatasetsTable {
  tenantId: string;
  integrationId: string;
  recordType: string;
  watermark: Date | null;
  unconfirmedWatermark: Generated<Date | null>;
  /** Moves with the watermark, and is valid only beside one. */
  syncToken: Generated<string | null>;
  isInitial: boolean;
  initialState: 'succeeded' | 'failed' | 'not_supported' | null;
  lastSucceededAt: Date | null;
  fullSucceededAt: Date | null;
  localTotal: number | null;
  remoteTotal: number | null;
  countedAt: Date | null;
  knownDifference: number | null;
  previousDifference: Generated<number | null>;
  repairedAt: Generated<Date | null>;
  learnedOverlapMs: Generated<number | null>;
  learnedOverlapAt: Generated<Date | null>;
  grownBy: Generated<number>;
}

/** What a full pass no longer found, until it is deleted. */
export interface MissingRecordsTable {
  tenantId: string;
  syncRunId: string;
  recordType: string;
  recordId: string;
}

/** Records with fields that are suddenly empty at the third party. */
export interface EmptiedRecordsTable {
  tenantId: string;
  integrationId: string;
  recordType: string;
  recordId: string;
  fields: string[];
  /** As it was read; null = applied. */
  remote: Json<unknown> | null;
  at: Date;
}

export interface DeletionReviewsTable {
  tenantId: string;
  deletionReviewId: string;
  integrationId: string;
  syncRunId: string;
  recordType: string;
  /** Only of reviews from before `missing_records`. */
  recordIds: Generated<string[]>;
  kind: Generated<'delete' | 'empty' | 'grow'>;
  /** Of kind `empty`: the fields above the threshold. */
  fields: Generated<string[]>;
  recordsMissing: number;
  recordsBefore: number;
  state: 'pending' | 'approved' | 'discarded' | 'superseded';
  recordsDeleted: number | null;
  decidedBy: string | null;
  decidedAt: Date | null;
  createdAt: Date;
}

export interface SyncConflictsTable {
  tenantId: string;
  syncConflictId: string;
  integrationId: string;
  /** null = found by a push. */
  syncRunId: string | null;
  recordType: string;
  remoteId: string;
  recordId: string | null;
  kind: ConflictKind;
  field: string | null;
  ours: Json<unknown> | null;
  theirs: Json<unknown> | null;
  winner: 'ours' | 'theirs' | null;
  detail: string;
  at: Date;
  state: ConflictState;
  decision: ConflictDecision | null;
  decidedBy: string | null;
  endedAt: Date | null;
}

/** What was changed at the third party after it was pushed; one row per open difference. */
export interface DriftsTable {
  tenantId: string;
  integrationId: string;
  recordId: string;
  recordType: string;
  /** A member of the remote record; '' = the record is missing there. */
  place: string;
  expected: Json<unknown> | null;
  found: Json<unknown> | null;
  /** When a run first found it. */
  foundAt: Date;
  /** When a run found it last. A push after that ends it. */
  seenAt: Date;
  syncRunId: string;
}

export interface MatchKeysTable {
  tenantId: string;
  syncRunId: string;
  recordType: string;
  value: string;
  recordId: string;
}
