/**
 * What a change of a record means for one pair (record, integration): rules.md 1 to 6, 9 and 14, as one pure function.
 */
import { isEligible, mappedFieldNames, relevantFields, type RecordTypeMapping } from './mapping';
import { pushTarget, type PushTarget, type RecordState } from '../push/push-target';
import { type WaitPolicy, type Window, windowAfterChange } from '../push/debounce-window';

/** The part of a pair's state that decides. */
export interface RecordSyncState {
  window: Pick<Window, 'openedAt' | 'dueAt'> | null;
  isHeld: boolean;
  /** A push is under way or waiting for another attempt: what the third party holds is not certain. */
  isPushOpen: boolean;
  /** True once a push was concluded, well or badly, or may have arrived. */
  hasResult: boolean;
  /** Hash of what the last concluded push sent; null = unknown or never. */
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
  /** Wait for quiet. `isDueEarlier`: the lane does not know of a deadline this early, so it must be signalled. */
  | { kind: 'window'; window: Window; fields: string[]; isDueEarlier: boolean }
  /** The edit was undone: close the window, the status returns to what it was. */
  | { kind: 'no_net_change'; fields: string[] }
  /** Deleted or no longer eligible before anything was ever pushed: nothing remains of the pair. */
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

/** The changed fields this pair cares about; null = none of its business. */
function fieldsThatMatter(mapping: RecordTypeMapping | undefined, change: ChangeOfRecord): string[] | null {
  const was = change.before !== null && isEligible(mapping, change.before);
  const is = isEligible(mapping, change.after);
  if (mapping === undefined || (!was && !is)) return null;
  if (!was) return mappedFieldNames(mapping);
  if (!is) return [...change.changedFields];
  const fields = relevantFields(mapping, change.changedFields);
  return fields.length === 0 ? null : fields;
}
