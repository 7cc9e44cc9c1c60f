/**
 * The debounce window of a record sync (rules.md 1, 2): from the first unsent change to its deadline `dueAt`.
 * Each relevant change moves the deadline to one grace period later, but never past the maximum wait.
 */
export type StartedBecause = 'quiet' | 'max_wait' | 'manual' | 'retry' | 'initial' | 'mapping_changed';

export interface WaitPolicy {
  gracePeriodMs: number;
  /** Counted from the first unsent change; null = no maximum. */
  maxWaitMs: number | null;
}

export interface Window {
  openedAt: Date;
  dueAt: Date;
  reason: StartedBecause;
}

/** The window after a relevant change at `now`: opened if there was none, otherwise moved. */
export function windowAfterChange(
  current: Pick<Window, 'openedAt'> | null,
  now: Date,
  policy: WaitPolicy,
): Window {
  const openedAt = current?.openedAt ?? now;
  const quietAt = now.getTime() + policy.gracePeriodMs;
  const latestAt =
    policy.maxWaitMs === null ? Number.POSITIVE_INFINITY : openedAt.getTime() + policy.maxWaitMs;
  // A window older than its maximum wait (held, or its integration was paused) is due now, not in the past.
  const dueAt = new Date(Math.min(quietAt, Math.max(latestAt, now.getTime())));
  return { openedAt, dueAt, reason: quietAt <= latestAt ? 'quiet' : 'max_wait' };
}
