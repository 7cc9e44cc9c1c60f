/** What a changed record means for one record sync (rules.md 1 to 6, 9 and 14), as one pure function. */
import {
  isEligible,
  mappedFieldNames,
  pushTarget,
  type PushTarget,
  type RecordState,
  type RecordTypeMapping,
  relevantFields,
} from '../records/mapping';
import { type WaitPolicy, type Window, windowAfterChange } from './debounce-window';

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
  | { kind: 'window'; window: Window; fields: string[]; isDueEarlier: boolean }
  /** The edit was undone: the window closes, and the status returns to the last result. */
  | { kind: 'no_net_change'; fields: string[] }
  /** Deleted or no longer eligible before anything was pushed: the record sync is deleted. */
  | { kind: 'forget' };

export function decideRecordSync(
  mapping: RecordTypeMapping | undefined,
  policy: WaitPolicy,
  change: ChangeOfRecord,
  recordSync: RecordSyncState | null,
  hashOf: (target: PushTarget) => string,
  now: Date,
): RecordSyncDecision {
  const fields = fieldsThatMatter(mapping, change);
  if (mapping === undefined || fields === null) return { kind: 'irrelevant' };

  const isLeaving = !isEligible(mapping, change.after);
  if (isLeaving && recordSync === null) return { kind: 'irrelevant' };
  if (isLeaving && !recordSync?.isPushOpen && !recordSync?.hasResult) return { kind: 'forget' };

  const isCertain = recordSync !== null && !recordSync.isPushOpen && recordSync.resultHash !== null;
  if (isCertain && hashOf(pushTarget(mapping, change.after)) === recordSync.resultHash)
    return { kind: 'no_net_change', fields };

  const window = windowAfterChange(recordSync?.window ?? null, now, policy);
  const knownDueAt = recordSync === null || recordSync.isHeld ? null : (recordSync.window?.dueAt ?? null);
  return {
    kind: 'window',
    window,
    fields,
    isDueEarlier: !recordSync?.isHeld && (knownDueAt === null || window.dueAt < knownDueAt),
  };
}

/** The changed fields that concern this record sync; null = none. */
function fieldsThatMatter(mapping: RecordTypeMapping | undefined, change: ChangeOfRecord): string[] | null {
  const was = change.before !== null && isEligible(mapping, change.before);
  const is = isEligible(mapping, change.after);
  if (mapping === undefined || (!was && !is)) return null;
  if (!was) return mappedFieldNames(mapping);
  if (!is) return [...change.changedFields];
  const fields = relevantFields(mapping, change.changedFields);
  return fields.length === 0 ? null : fields;
}
