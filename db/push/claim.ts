/** What a claim of due pushes takes, decides and answers; shared by claim-pushes.ts and write-claim.ts. */
import type { JsonObject } from '../../domain/json';
import type { BrakedEffect } from '../../domain/push/braked-effect';
import type { DueRecordSync, PushDecision } from '../../domain/push/push-decision';
import type { Agreement } from '../../domain/pull/agreement';
import type { VersionedFields } from '../../domain/records/field-versions';
import type { Notation } from '../../domain/records/notation';
import type { MappingError, PushTarget } from '../../domain/records/mapping';
import type { EraseAs } from '../tables/erasures';
import type { Integration } from '../integrations/integrations';
import type { BrakeAllowances } from './brakes/brake-allowances';
import type { ReferencesOfPush } from './references/references-of-push';

export interface ClaimedPush {
  pushId: string;
  claimId: string;
  recordId: string;
  recordType: string;
  externalId: string;
  operation: 'upsert' | 'deactivate' | 'delete';
  payload: JsonObject;
  /** The local fields that the payload was mapped from. */
  fields: JsonObject;
  /** Before the push. */
  notation: Notation | null;
  /** To recognize edits there that were not read yet; null = the third party's edits do not count. */
  agreement: (Agreement & { isJustPushed: boolean }) | null;
  /** The third party's ids of the records that the payload refers to, by `referredKey` of ours. */
  remoteIds: Readonly<Record<string, string>>;
  /** Fields that this push leaves out, because the record that they refer to is not there yet. */
  leftOut: readonly string[];
  /** Values of the payload that the third party does not list. */
  unlisted: readonly MappingError[];
  remoteId: string | null;
  remoteVersion: string | null;
  isDeactivated: boolean;
  /** A creation with another push id whose response was lost, or had no id. */
  unresolvedCreation: { pushId: string; payload: JsonObject } | null;
  /** The third party has accepted a creation without naming the id. */
  wasCreated: boolean;
  /** A person asks to create it again if it is not found. */
  mayCreateAgain: boolean;
  refusals: number;
  /** When it became due. */
  dueAt: Date;
  /** Before its first attempt, as well as is known of a push that is sent again. */
  firstDueAt: Date;
  /** When its grace period began, or its first attempt if it is sent again. */
  acceptedAt: Date;
  /** When its retries end. */
  giveUpAt: Date;
}

export interface Claim {
  pushes: ClaimedPush[];
  /**
   * Rows taken, including those that ended without a call. 0 = no other row is due, or other claims hold
   * them.
   */
  taken: number;
  /** Records whose references are not there yet: to be looked at once the claim is committed. */
  waiting: readonly string[];
  /** The integration was changed since the caller read it, and nothing was claimed: read it again. */
  isOutdated: boolean;
}

export interface ClaimOptions {
  integration: Pick<
    Integration,
    | 'integrationId'
    | 'recordTypes'
    | 'typeSettings'
    | 'mappingVersion'
    | 'mappingChangedBy'
    | 'retryClockStoppedMs'
    | 'version'
  >;
  firedAt: Date;
  /** Instant of the claim, for the log. */
  now: Date;
  leaseUntil: Date;
  /** A push that starts with this claim is given up after this time. */
  giveUpAfterMs: number;
  limit: number;
  /**
   * While the third party is blocked only windows are claimed: they become waiting pushes, without a call.
   */
  onlyWindows: boolean;
  /** One push probes a third party that is down. */
  isProbe?: boolean | undefined;
  /** Kept by the caller for its next claims. */
  allowances?: BrakeAllowances | undefined;
}

export interface LockedRecordSync extends DueRecordSync {
  recordId: string;
  nextDueAt: Date;
  windowOpenedAt: Date | null;
  windowFields: string[];
  windowChangedBy: string[];
  windowEffect: BrakedEffect | null;
  pushRefusals: number;
  /** The creation of `unresolvedPushId` was accepted. */
  wasCreated: boolean;
  /** `pushId` is the retry that a person has asked for, which still waits for its first call. */
  isRetryUnsent: boolean;
  /** By the integration's retry clock. */
  giveUpAt: Date | null;
  leaseUntil: Date | null;
  eraseAs: EraseAs | null;
}

export interface RecordForPush extends VersionedFields {
  recordId: string;
  recordType: string;
  externalId: string;
  fields: JsonObject;
  deletedAt: Date | null;
  remoteId: string | null;
  remoteVersion: string | null;
  agreed: JsonObject | null;
  notation: Notation | null;
  /** When the link was last written; null = there is none. */
  linkedAt: Date | null;
  isDeactivated: boolean | null;
}

/** A due record sync, the target of its record, and the decision. */
export interface DecidedPush {
  recordSync: LockedRecordSync;
  record: RecordForPush;
  target: PushTarget;
  unlisted: readonly MappingError[];
  /** null = the record cannot be mapped. */
  hash: string | null;
  decision: PushDecision;
  /** The push in the log, whether it is sent or ends here. */
  pushId: string;
  /** Of a push whose mapping refers to other records. */
  references?: ReferencesOfPush;
  /** A creation that may have happened although its response was lost. */
  unresolvedPushId: string | null;
}
