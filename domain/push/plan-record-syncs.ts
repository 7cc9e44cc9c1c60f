/**
 * What changed records mean for each integration: debounce windows that open or move, edits that were undone,
 * record syncs that end before anything was pushed (rules.md 1 to 6, 9 and 14).
 */
import { jsonEquals } from '../json';
import type { OnboardingLockFacts } from '../onboarding';
import { type BrakedEffect, effectOfChange } from './braked-effect';
import { type WaitPolicy, type Window, windowAfterChange } from './debounce-window';
import {
  isEligible,
  mappedFieldNames,
  pushTarget,
  type PushTarget,
  type RecordState,
  type RecordTypeMapping,
  relevantFields,
} from '../records/mapping';
import type { RecordDraft } from '../records/record-draft';

export interface AcceptingIntegration extends OnboardingLockFacts, WaitPolicy {
  integrationId: string;
  mappingVersion: number;
  /** Neither paused nor without valid credentials: its push queue may run. */
  isWorking: boolean;
}

/** The part of a record sync that the decision depends on. */
export interface RecordSyncState {
  window: Pick<Window, 'openedAt' | 'dueAt'> | null;
  isHeld: boolean;
  /** A push is in progress or waits for a retry, so the state of the remote record is uncertain. */
  isPushOpen: boolean;
  /** True if a push has a result, or may have arrived. */
  hasResult: boolean;
  /** Hash of the last result's payload; null = unknown or never pushed. */
  resultHash: string | null;
}

export interface ChangeOfRecord {
  before: RecordState | null;
  after: RecordState;
  /** Top-level fields that differ. */
  changedFields: readonly string[];
}

export type RecordSyncDecision =
  | { kind: 'irrelevant' }
  /**
   * Wait for the debounce window. `isDueEarlier`: the push queue knows no deadline this early and must be
   * signalled.
   */
  | {
      kind: 'window';
      window: Window;
      fields: readonly string[];
      isDueEarlier: boolean;
      effect: BrakedEffect | null;
    }
  /** The edit was undone: the window closes, and the status returns to the last result. */
  | { kind: 'no_net_change'; fields: readonly string[] }
  /** Deleted or no longer eligible before anything was pushed: the record sync is deleted. */
  | { kind: 'forget' };

export interface RecordSyncKey {
  integrationId: string;
  recordId: string;
}
export type RecordSyncStates = ReadonlyMap<string, RecordSyncState>;

/** The key of `RecordSyncStates`. */
export const recordSyncKey = ({ integrationId, recordId }: RecordSyncKey): string =>
  `${integrationId} ${recordId}`;

export interface PlannedWindow extends RecordSyncKey {
  recordType: string;
  version: number;
  window: Window;
  fields: readonly string[];
  effect: BrakedEffect | null;
}

export interface UndoneEdit extends RecordSyncKey {
  version: number;
  mappingVersion: number;
  fields: readonly string[];
  hadWindow: boolean;
}

export interface RecordSyncPlan {
  windows: PlannedWindow[];
  /** rules.md 5: the window closes without a push. */
  undone: UndoneEdit[];
  /** Nothing was ever pushed, and the record is gone or no longer eligible. */
  ended: RecordSyncKey[];
  /** By integration: the earliest deadline, where the push queue knows only of later ones. */
  nextDueAt: ReadonlyMap<string, Date>;
  records: RecordDraft[];
  integrationIds: string[];
}

export function planRecordSyncs(
  drafts: readonly RecordDraft[],
  integrations: readonly AcceptingIntegration[],
  states: RecordSyncStates,
  hashOf: (target: PushTarget) => string | null,
): RecordSyncPlan {
  const windows: PlannedWindow[] = [];
  const undone: UndoneEdit[] = [];
  const ended: RecordSyncKey[] = [];
  const nextDueAt = new Map<string, Date>();
  const records = new Set<RecordDraft>();
  const integrationIds = new Set<string>();

  for (const integration of integrations) {
    const { integrationId, mappingVersion, isWorking } = integration;
    for (const draft of drafts) {
      const key = { integrationId, recordId: draft.recordId };
      const state = (states.size > 0 && states.get(recordSyncKey(key))) || null; // new records have none
      const decision = decideRecordSync(
        integration.recordTypes[draft.recordType],
        integration,
        { before: draft.before, after: draft.after, changedFields: netChangedFields(draft) },
        state,
        hashOf,
        draft.changedAt,
      );
      if (decision.kind === 'irrelevant') continue;
      records.add(draft);
      integrationIds.add(integrationId);
      const { version } = draft.after;
      if (decision.kind === 'forget') ended.push(key);
      if (decision.kind === 'no_net_change')
        undone.push({
          ...key,
          version,
          mappingVersion,
          fields: decision.fields,
          hadWindow: state?.window != null,
        });
      if (decision.kind !== 'window') continue;
      const { window, fields, effect, isDueEarlier } = decision;
      windows.push({ ...key, recordType: draft.recordType, version, window, fields, effect });
      const earliest = nextDueAt.get(integrationId);
      if (isDueEarlier && isWorking && (earliest === undefined || window.dueAt < earliest))
        nextDueAt.set(integrationId, window.dueAt);
    }
  }
  return { windows, undone, ended, nextDueAt, records: [...records], integrationIds: [...integrationIds] };
}

/** Fields that differ before and after the batch, which may have changed the record several times. */
function netChangedFields({ before, after, changedFields }: RecordDraft): string[] {
  if (before === null) return [...changedFields];
  return [...changedFields].filter((field) => !jsonEquals(before.fields[field], after.fields[field]));
}

/** What a changed record means for one record sync. */
export function decideRecordSync(
  mapping: RecordTypeMapping | undefined,
  policy: WaitPolicy,
  change: ChangeOfRecord,
  recordSync: RecordSyncState | null,
  hashOf: (target: PushTarget) => string | null,
  now: Date,
): RecordSyncDecision {
  const fields = fieldsThatMatter(mapping, change);
  if (mapping === undefined || fields === null) return { kind: 'irrelevant' };

  const isLeaving = !isEligible(mapping, change.after);
  if (isLeaving && recordSync === null) return { kind: 'irrelevant' };
  if (isLeaving && !recordSync?.isPushOpen && !recordSync?.hasResult) return { kind: 'forget' };

  const isCertain = recordSync !== null && !recordSync.isPushOpen && recordSync.resultHash !== null;
  const target = pushTarget(mapping, change.after);
  const hash = isCertain ? hashOf(target) : null;
  if (hash !== null && hash === recordSync?.resultHash) return { kind: 'no_net_change', fields };

  const window = windowAfterChange(recordSync?.window ?? null, now, policy);
  const knownDueAt = recordSync === null || recordSync.isHeld ? null : (recordSync.window?.dueAt ?? null);
  return {
    kind: 'window',
    window,
    fields,
    effect: effectOfChange(mapping, change, target.operation, recordSync?.hasResult ?? false),
    isDueEarlier: !recordSync?.isHeld && (knownDueAt === null || window.dueAt < knownDueAt),
  };
}

/** The changed fields that concern this record sync; null = none. */
function fieldsThatMatter(
  mapping: RecordTypeMapping | undefined,
  change: ChangeOfRecord,
): readonly string[] | null {
  const was = change.before !== null && isEligible(mapping, change.before);
  const is = isEligible(mapping, change.after);
  if (mapping === undefined || (!was && !is)) return null;
  if (!was) return mappedFieldNames(mapping);
  if (!is) return [...change.changedFields];
  const fields = relevantFields(mapping, change.changedFields);
  return fields.length === 0 ? null : fields;
}
