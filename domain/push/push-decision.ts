/**
 * What becomes of a pair that is due: rules.md 5, 6 and 14 at the moment of the claim, as one pure function.
 */
import type { MappingError } from '../records/mapping';
import type { PushTarget } from './push-target';
import type { StartedBecause } from './debounce-window';

/** The part of a due pair's state that decides. */
export interface DueRecordSync {
  /** Of the open window; null = none is open, and an earlier push is to be repeated. */
  dueAt: Date | null;
  windowReason: StartedBecause | null;
  heldAt: Date | null;
  discardedAt: Date | null;
  /** Of a push that waits to be repeated, or whose worker died. */
  pushId: string | null;
  pushHash: string | null;
  /** A creation whose answer was lost. */
  unresolvedPushId: string | null;
  resultStatus: string | null;
  resultHash: string | null;
}

export type PushDecision =
  | { kind: 'wait' }
  /** `isNew`: under an id of its own; otherwise the earlier push is repeated under its id, with the same payload. */
  | { kind: 'push'; isNew: boolean }
  | { kind: 'end'; result: 'no_net_change' | 'left' | 'closed' | 'discarded' }
  /** The mapping cannot express the record: an error for people, without a call. */
  | { kind: 'invalid'; errors: MappingError[] };

/** `hash` is that of `target`; `isLinked`: the third party is known to hold the record. */
export function decidePush(
  recordSync: DueRecordSync,
  { target, hash, isLinked }: { target: PushTarget; hash: string; isLinked: boolean },
  firedAt: Date,
): PushDecision {
  // The worker that pushed it died, and the record changed meanwhile: the change's own quiet time comes first.
  if (recordSync.dueAt !== null && (recordSync.heldAt !== null || recordSync.dueAt > firedAt))
    return { kind: 'wait' };

  // Its changes were discarded while an earlier push was under way: that one may not be repeated with them inside.
  if (recordSync.dueAt === null && recordSync.discardedAt !== null && recordSync.pushHash !== hash)
    return { kind: 'end', result: 'discarded' };

  const isCertain = recordSync.pushId === null && recordSync.resultHash !== null;
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
