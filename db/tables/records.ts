import type { Generated, GeneratedAlways } from 'kysely';
import type { JsonObject, JsonValue } from '../../domain/json';
import type { StartedBecause } from '../../domain/push/debounce-window';
import type { BrakedEffect } from '../../domain/push/braked-effect';
import type { FieldVersions } from '../../domain/records/field-versions';
import type { Notation } from '../../domain/records/notation';
import type { SyncError } from '../../domain/sync-error';
import type { EraseAs } from './erasures';
import type { Json } from './json-column';

export interface RecordsTable {
  tenantId: string;
  recordId: string;
  recordType: string;
  externalId: string;
  version: number;
  fields: Json<JsonObject>;
  occurredAt: Date;
  changedAt: Date;
  changedBy: string;
  deletedAt: Date | null;
  createdAt: Date;
  /** null = one change has set all fields: the record's version and instant are those of each field. */
  fieldVersions: Json<FieldVersions | null> | null;
}

export interface RecordCountsTable {
  tenantId: string;
  recordType: string;
  shard: number;
  records: number;
}

export interface RecordChangesTable {
  tenantId: string;
  recordId: string;
  changeId: string;
  version: number;
  outcome: 'applied' | 'stale';
  isDelete: boolean;
  changedFields: string[];
  changedBy: string;
  occurredAt: Date;
  changedAt: Date;
  requestId: string;
}

export interface RecordLinksTable {
  tenantId: string;
  integrationId: string;
  recordId: string;
  recordType: string;
  remoteId: string;
  remoteKey: GeneratedAlways<number>;
  remoteVersion: string | null;
  /** Hash of the remote record when it was last read; null = not read since it changed. */
  remoteHash: string | null;
  /** The last payload that both sides had; null where the integration only pulls. */
  agreed: Json<JsonObject | null> | null;
  /**
   * How the third party shows the agreed values, by place; null where the integration only pulls, and for
   * links of versions before this column.
   */
  notation: Json<Notation | null> | null;
  isDeactivated: boolean;
  updatedAt: Date;
}

export type RecordSyncStatus = 'synced' | 'sync_failed' | 'syncing' | 'sync_pending';

type ResultStatus = 'synced' | 'sync_failed';

export interface RecordSyncsTable {
  tenantId: string;
  integrationId: string;
  recordId: string;
  relevantVersion: number;
  windowOpenedAt: Date | null;
  dueAt: Date | null;
  windowReason: StartedBecause | null;
  windowFields: Generated<string[]>;
  windowChangedBy: Generated<string[]>;
  pushPriority: Generated<number>;
  isBackfill: Generated<boolean>;
  /** What the push of the open window changes there; null = nothing that a brake counts, or approved. */
  windowEffect: BrakedEffect | null;
  /** Of the record. Null: a window of a version before this column, or none was opened since. */
  windowRecordType: Generated<string | null>;
  heldAt: Date | null;
  heldBy: string | null;
  /** Held until this review is decided. */
  pushReviewId: string | null;
  pushId: string | null;
  pushVersion: number | null;
  pushHash: string | null;
  pushRefusals: Generated<number>;
  isPushFailing: Generated<boolean>;
  claimId: string | null;
  leaseUntil: Date | null;
  nextAttemptAt: Date | null;
  /** By the integration's retry clock, which is `integrations.retry_clock_stopped_ms` behind. */
  giveUpAt: Date | null;
  resultStatus: ResultStatus | null;
  resultVersion: number | null;
  resultHash: string | null;
  errors: Json<SyncError[] | null> | null;
  lastPushId: string | null;
  unresolvedPushId: string | null;
  lastSyncedAt: Date | null;
  discardedAt: Date | null;
  discardedBy: string | null;
  /** A pull found the record gone there, and it was kept here; holds only while there is no link. */
  absentSince: Date | null;
  /** The record is being erased: what happens to it there, whatever the mapping says. */
  eraseAs: EraseAs | null;
  status: GeneratedAlways<RecordSyncStatus | null>;
  nextDueAt: GeneratedAlways<Date | null>;
}

/**
 * `sent`: with `remoteId`. `waiting`: the push waits for the record. `left_out`: the push went out without
 * it, and another one follows. `missing`: the push failed.
 */
export type ReferenceState = 'sent' | 'waiting' | 'left_out' | 'missing';

/** The records that a field of a pushed record refers to. */
export interface PushReferencesTable {
  tenantId: string;
  integrationId: string;
  recordId: string;
  place: string;
  /** Of the record that the field refers to. */
  recordType: string;
  externalId: string;
  targetId: string | null;
  field: string;
  state: ReferenceState;
  remoteId: string | null;
  dueAt: Date | null;
  waitsUntil: Date | null;
}

/** Remote ids in a pulled record that no record here is linked to. */
export interface ReferencePromisesTable {
  tenantId: string;
  integrationId: string;
  recordId: string;
  field: string;
  place: string;
  /** Of the record that the field refers to. */
  recordType: string;
  remoteId: string;
  /** Of the field, with the ids of ours that were known. */
  value: Json<JsonValue>;
  recordVersion: number;
  syncRunId: string;
}

/** Pushes that were given up because of an outage: they are sent once the third party is back. */
export interface OutageGiveUpsTable {
  tenantId: string;
  integrationId: string;
  recordId: string;
  pushId: string;
}

type PushResultKind =
  | 'succeeded'
  | 'failed'
  | 'superseded'
  | 'no_net_change'
  | 'discarded'
  | 'left'
  | 'closed';

export type PushEffect = 'created' | 'updated' | 'deactivated' | 'deleted' | 'none';

export interface PushesTable {
  tenantId: string;
  pushId: string;
  integrationId: string;
  recordId: string;
  recordVersion: number;
  mappingVersion: number;
  operation: 'upsert' | 'deactivate' | 'delete' | 'leave';
  startedBecause: StartedBecause;
  changedFields: string[];
  changedBy: string[];
  payload: Json<JsonObject | null> | null;
  result: PushResultKind | null;
  effect: PushEffect | null;
  remoteId: string | null;
  errors: Json<SyncError[] | null> | null;
  attempts: number;
  startedAt: Date;
  lastAttemptAt: Date | null;
  finishedAt: Date | null;
}

export interface PushReviewsTable {
  tenantId: string;
  pushReviewId: string;
  integrationId: string;
  recordType: string;
  effect: BrakedEffect;
  startedBecause: StartedBecause;
  causedBy: string[];
  mappingVersion: number;
  state: 'pending' | 'approved' | 'discarded' | 'superseded';
  recordsApproved: Generated<number>;
  recordsDiscarded: Generated<number>;
  decidedBy: string | null;
  decidedAt: Date | null;
  /** Null while record syncs still refer to the review. */
  finishedAt: Date | null;
  createdAt: Date;
}

/** What has left, by hour. */
export interface BrakeCountsTable {
  tenantId: string;
  integrationId: string;
  recordType: string;
  effect: BrakedEffect;
  hour: Date;
  records: number;
  allowed: Generated<number | null>;
  allowedUntil: Generated<Date | null>;
  allowedVersion: Generated<number | null>;
}

/** Remote records that pushes in progress are about to write. */
export interface RemoteClaimsTable {
  tenantId: string;
  remoteKey: string;
  externalId: string;
  claimedUntil: Date;
}
