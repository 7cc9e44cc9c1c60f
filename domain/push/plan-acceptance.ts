/**
 * What a batch of changes means, as one pure function: a result per change, the new state of each record, and
 * what becomes of each record sync. The caller reads everything before and writes everything after.
 */
import { isLocked } from '../onboarding';
import type { PushTarget } from '../records/mapping';
import {
  applyChange,
  type Owner,
  type RecordChange,
  respectOwners,
  type VersionedRecord,
} from '../records/record-change';
import {
  type AcceptingIntegration,
  planRecordSyncs,
  type RecordSyncPlan,
  type RecordSyncStates,
} from './plan-record-syncs';
import type { RecordDraft } from '../records/record-draft';

export interface StoredRecord {
  recordId: string;
  recordType: string;
  externalId: string;
  state: VersionedRecord;
  changedAt: Date;
}

/** What the plan depends on: rows that the caller has locked. */
export interface AcceptanceState {
  records: readonly StoredRecord[];
  integrations: readonly AcceptingIntegration[];
  /** By record id. */
  owners: ReadonlyMap<string, Owner[]>;
  recordSyncs: RecordSyncStates;
  /** How many records may be created, by record type; undefined = no limit. */
  room?: ReadonlyMap<string, number>;
  /** For each change whether its record was erased. */
  erased?: readonly boolean[];
  now: Date;
}

/** Kept outside of domain, which uses no packages. */
export interface PlanTools {
  newId(): string;
  hashOf(target: PushTarget): string | null;
}

/**
 * `accepted`: stored, or equal to what is stored. `stale`: older than the stored version; ignored and logged.
 * `version_reused`: the stored version with other content. `not_found`: no record to patch or delete.
 * `too_many_records`: it would create a record beyond the limit.
 * `erased`: the record was erased and must not come back (rules.md 62).
 * `onboarding_in_progress`, `field_owned_by_third_party`: refused because of the integration in `refusedBy`.
 */
type AcceptanceOutcome =
  | 'accepted'
  | 'stale'
  | 'version_reused'
  | 'not_found'
  | 'too_many_records'
  | 'erased'
  | 'onboarding_in_progress'
  | 'field_owned_by_third_party';

export interface AcceptanceResult {
  outcome: AcceptanceOutcome;
  refusedBy?: { integrationId: string; fields: string[] };
  /** Fields of the change that a newer change has set: they were not changed (rules.md 55). */
  staleFields: string[];
  recordType: string;
  externalId: string;
  recordId: string | null;
  version: number | null;
  isDeleted: boolean;
}

/** A row of the change log. */
export interface LoggedChange {
  recordId: string;
  version: number;
  outcome: 'applied' | 'stale';
  isDelete: boolean;
  changedFields: string[];
  occurredAt: Date;
}

export interface AcceptancePlan {
  /** One per change, in the same order. */
  results: AcceptanceResult[];
  drafts: RecordDraft[];
  log: LoggedChange[];
  recordSyncs: RecordSyncPlan;
}

export function planAcceptance(
  changes: readonly RecordChange[],
  state: AcceptanceState,
  { newId, hashOf }: PlanTools,
): AcceptancePlan {
  const drafts = new Map(state.records.map((record) => [keyOf(record), startDraft(record, state.now)]));
  const log: LoggedChange[] = [];
  const room = new Map(state.room);
  const results = changes.map((change, index) => {
    if (state.erased?.[index] === true) return resultOf('erased', change, undefined);
    const checked = checkRefusal(change, drafts.get(keyOf(change)), state);
    if ('outcome' in checked) return checked;
    if (change.kind === 'put' && !drafts.has(keyOf(change)) && !takeRoom(room, change))
      return resultOf('too_many_records', change, undefined);
    const { result, logged } = applyToDrafts(drafts, checked, { now: state.now, newId });
    log.push(...logged);
    return result;
  });
  const touched = [...drafts.values()].filter(({ isTouched }) => isTouched);
  const recordSyncs = planRecordSyncs(touched, state.integrations, state.recordSyncs, hashOf);
  return { results, drafts: [...drafts.values()], log, recordSyncs };
}

/**
 * Refuses changes of a record type that is locked (rules.md 33) and of fields that a third party owns
 * (rules.md 17).
 */
function checkRefusal(
  change: RecordChange,
  draft: RecordDraft | undefined,
  { integrations, owners }: AcceptanceState,
): RecordChange | AcceptanceResult {
  const locking = integrations.find((integration) => isLocked(integration, change.recordType));
  if (locking !== undefined) {
    const refusedBy = { integrationId: locking.integrationId, fields: [] };
    return { ...resultOf('onboarding_in_progress', change, draft), refusedBy };
  }
  const owned = respectOwners(change, draft?.after.fields ?? {}, owners.get(draft?.recordId ?? '') ?? []);
  if (owned.kind === 'allowed') return owned.change;
  const refusedBy = { integrationId: owned.owner.integrationId, fields: owned.fields };
  return { ...resultOf('field_owned_by_third_party', change, draft), refusedBy };
}

/** @returns false if the limit of the record type is reached. */
function takeRoom(room: Map<string, number>, { recordType }: RecordChange): boolean {
  const left = room.get(recordType) ?? Infinity;
  room.set(recordType, left - 1);
  return left > 0;
}

function applyToDrafts(
  drafts: Map<string, RecordDraft>,
  change: RecordChange,
  { now, newId }: { now: Date; newId(): string },
): { result: AcceptanceResult; logged: LoggedChange[] } {
  const existing = drafts.get(keyOf(change));
  const applied = applyChange(existing?.after ?? null, change, now);
  const logOf = (draft: RecordDraft, outcome: LoggedChange['outcome'], changedFields: string[]) => ({
    recordId: draft.recordId,
    version: change.version ?? draft.after.version,
    outcome,
    changedFields,
    isDelete: change.kind === 'delete',
    occurredAt: change.occurredAt ?? now,
  });
  switch (applied.outcome) {
    case 'applied': {
      const draft = existing ?? createDraft(change, applied.record, { now, newId });
      drafts.set(keyOf(change), draft);
      draft.after = applied.record;
      draft.isTouched = true;
      const { changedFields, staleFields } = applied;
      for (const field of changedFields) draft.changedFields.add(field);
      const logged = [logOf(draft, 'applied', changedFields)];
      if (staleFields.length > 0) logged.push(logOf(draft, 'stale', staleFields));
      return { result: resultOf('accepted', change, draft, staleFields), logged };
    }
    case 'unchanged': {
      const { record, staleFields } = applied;
      if (existing !== undefined) existing.after = record;
      const isStale = existing !== undefined && staleFields.length > 0;
      return {
        result: resultOf('accepted', change, existing, staleFields),
        logged: isStale ? [logOf(existing, 'stale', staleFields)] : [],
      };
    }
    case 'stale': {
      const staleFields = Object.keys(change.fields);
      return {
        result: resultOf('stale', change, existing, staleFields),
        logged: existing === undefined ? [] : [logOf(existing, 'stale', staleFields)],
      };
    }
    default:
      return { result: resultOf(applied.outcome, change, existing), logged: [] };
  }
}

const keyOf = ({ recordType, externalId }: { recordType: string; externalId: string }): string =>
  `${recordType}\n${externalId}`;

function startDraft({ state, changedAt, ...record }: StoredRecord, now: Date): RecordDraft {
  return {
    ...record,
    before: state,
    after: state,
    changedFields: new Set(),
    isTouched: false,
    changedAt: changedAt > now ? changedAt : now,
  };
}

function createDraft(
  { recordType, externalId }: RecordChange,
  after: VersionedRecord,
  { now, newId }: { now: Date; newId(): string },
): RecordDraft {
  return {
    recordId: newId(),
    recordType,
    externalId,
    before: null,
    after,
    changedFields: new Set(),
    isTouched: true,
    changedAt: now,
  };
}

function resultOf(
  outcome: AcceptanceOutcome,
  { recordType, externalId }: RecordChange,
  draft: RecordDraft | undefined,
  staleFields: string[] = [],
): AcceptanceResult {
  return {
    outcome,
    staleFields,
    recordType,
    externalId,
    recordId: draft?.recordId ?? null,
    version: draft?.after.version ?? null,
    isDeleted: draft?.after.isDeleted ?? false,
  };
}
