/** The records that the payload of a push refers to (docs/decisions/0033). */
import type { Reference } from '../../../domain/records/references';
import type { ReferenceState } from '../../tables/records';

export interface ReferencesOfPush {
  /** By `referredKey` of our id. */
  remoteIds: Readonly<Record<string, string>>;
  /** Set if the push waits. */
  waitsUntil: Date | null;
  /** Fields that go out with the next push. */
  leftOut: readonly string[];
  rows: readonly ReferenceRow[];
}

export interface ReferenceRow extends Reference {
  state: ReferenceState;
  targetId: string | null;
  remoteId: string | null;
}

/** Without any event a waiting push looks again after this time. */
export const WAITS_FOR_MS = 15 * 60_000;
