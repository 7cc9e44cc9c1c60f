/**
 * What happens to a due record sync at the moment of the claim (rules.md 5, 6 and 14), as one pure function.
 */
import type { MappingError, PushTarget } from '../records/mapping';
import type { StartedBecause } from './debounce-window';

/** The part of a due record sync that the decision depends on. */
export interface DueRecordSync {
  /** The open window; null = none, and an earlier push is repeated. */
  dueAt: Date | null;
  windowReason: StartedBecause | null;
  heldAt: Date | null;
  discardedAt: Date | null;
  /** A push that waits for a retry, or whose worker died. */
  pushId: string | null;
  pushHash: string | null;
  /** A creation whose response was lost. */
  unresolvedPushId: string | null;
  resultStatus: string | null;
  resultHash: string | null;
}

export type PushDecision =
  | { kind: 'wait' }
  /** `isNew`: a push with a new id; otherwise the earlier push is repeated with its id and payload. */
  | { kind: 'push'; isNew: boolean }
  | { kind: 'end'; result: 'no_net_change' | 'left' | 'closed' | 'discarded' }
  /** The mapping cannot express the record: an error for people, without a call. */
  | { kind: 'invalid'; errors: MappingError[] };

/**
 * `hash` is the hash of `target`, null if that is invalid; `isLinked`: the third party is known to have the
 * record.
 */
export function decidePush(
  recordSync: DueRecordSync,
  { target, hash, isLinked }: { target: PushTarget; hash: string | null; isLinked: boolean },
  firedAt: Date,
): PushDecision {
  // The worker that pushed it died and the record has changed since: the change's own window comes first.
  if (recordSync.dueAt !== null && (recordSync.heldAt !== null || recordSync.dueAt > firedAt))
    return { kind: 'wait' };

  // The changes were discarded while an earlier push was in progress: repeating that push would send them.
  if (recordSync.dueAt === null && recordSync.discardedAt !== null && recordSync.pushHash !== hash)
    return { kind: 'end', result: 'discarded' };

  const isCertain = recordSync.pushId === null && hash !== null;
  if (isCertain && hash === recordSync.resultHash && recordSync.windowReason !== 'retry')
    return { kind: 'end', result: 'no_net_change' };
  if (target.operation === 'leave') return { kind: 'end', result: 'left' };
  if (target.operation === 'invalid') return { kind: 'invalid', errors: target.errors };

  const wasNeverSent =
    recordSync.pushId === null &&
    recordSync.resultStatus === null &&
    recordSync.unresolvedPushId === null &&
    !isLinked;
  if (target.operation !== 'upsert' && wasNeverSent) return { kind: 'end', result: 'closed' };
  return { kind: 'push', isNew: recordSync.pushId === null || recordSync.pushHash !== hash };
}
