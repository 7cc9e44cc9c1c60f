/**
 * The safety threshold: more changes of one kind than this wait for approval (rules.md 31, 53). It is the
 * same decision for deletions here and for pushes.
 */

export interface BrakeSetting {
  /** Up to this number of records, nothing waits. */
  count: number;
  /** Of the records at the beginning of the window; 1 = all of them. Up to this share, nothing waits. */
  share: number;
  /** How long an applied change counts. */
  windowHours: number;
}

/** What a threshold counts, with its default. */
export const BRAKE_DEFAULTS = {
  /** Records that a full pass no longer found. A tenth in each of several nights adds up in seven days. */
  pull_delete: { count: 20, share: 0.1, windowHours: 168 },
  push_create: { count: 1_000, share: 0.5, windowHours: 24 },
  push_overwrite: { count: 200, share: 0.5, windowHours: 24 },
  push_deactivate: { count: 20, share: 0.1, windowHours: 168 },
  push_delete: { count: 20, share: 0.1, windowHours: 168 },
  /** Records with the same field filled here and suddenly empty there. */
  pull_empty: { count: 20, share: 0.1, windowHours: 168 },
  /** New records since the dataset was counted last, which ends the window. */
  pull_grow: { count: 10_000, share: 10, windowHours: 168 },
} satisfies Record<string, BrakeSetting>;

export type BrakeKind = keyof typeof BRAKE_DEFAULTS;
export const BRAKE_KINDS = Object.keys(BRAKE_DEFAULTS) as BrakeKind[];

interface BrakeFacts {
  /** Records that would change now. */
  now: number;
  /** Records that changed within the window without approval. */
  earlier: number;
  /** Records at the beginning of the window, those that were deleted within it included. */
  held: number;
}

/** Both limits have to be exceeded. Exactly at a limit, the change is applied. */
export function exceedsBrake({ count, share }: BrakeSetting, { now, earlier, held }: BrakeFacts): boolean {
  const changed = now + earlier;
  // The quotient is as exact as the setting: 0.07 * 100 is more than 7.
  return now > 0 && changed > count && (held <= 0 || changed / held > share);
}
