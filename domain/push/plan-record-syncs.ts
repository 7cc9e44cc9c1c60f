/**
 * What changed records mean for each integration: debounce windows that open or move, edits that were undone,
 * record syncs that end before anything was pushed (rules.md 1 to 6, 9 and 14).
 */
import { jsonEquals } from '../json';
import type { OnboardingLockFacts } from '../onboarding';
import type { WaitPolicy, Window } from './debounce-window';
import type { PushTarget } from '../records/mapping';
import type { RecordDraft } from '../records/record-draft';
import { decideRecordSync, type RecordSyncState } from './record-sync-decision';

export interface AcceptingIntegration extends OnboardingLockFacts, WaitPolicy {
  integrationId: string;
  mappingVersion: number;
  /** Neither paused nor without valid credentials: its push queue may run. */
  isWorking: boolean;
}

export interface RecordSyncKey {
  integrationId: string;
  recordId: string;
}
export type RecordSyncStates = ReadonlyMap<string, RecordSyncState>;

/** The key of `RecordSyncStates`. */
export const recordSyncKey = ({ integrationId, recordId }: RecordSyncKey): string =>
  `${integrationId} ${recordId}`;

export interface PlannedWindow extends RecordSyncKey {
  version: number;
  window: Window;
  fields: string[];
}

export interface UndoneEdit extends RecordSyncKey {
  version: number;
  mappingVersion: number;
  fields: string[];
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
  hashOf: (target: PushTarget) => string,
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
      const state = states.get(recordSyncKey(key)) ?? null;
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
      const { window, fields, isDueEarlier } = decision;
      windows.push({ ...key, version, window, fields });
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
