/** When to try again: records, third parties that are down, and rate limits (rules.md 8, 10, 11). */
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** A record refused with 5xx while the third party is well is tried this often, then it has failed. */
export const REFUSALS_MAX = 5;
/** A third party that cannot be reached this long turns its waiting pushes into Sync failed; retries go on. */
export const UNREACHABLE_FAILS_AFTER_MS = 15 * MINUTE;
/** After this a push is given up: Sync failed with no further attempt. */
export const GIVE_UP_AFTER_MS = 72 * HOUR;

const PROBE_DELAYS_MS = [30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE];
const RATE_LIMIT_DEFAULT_MS = 30 * SECOND;
const RATE_LIMIT_MAX_MS = 24 * HOUR;

/** Wait before the next attempt of a record that was refused `refusals` times (1 = once): 2 s, doubled each time. */
export function refusalBackoffMs(refusals: number): number {
  return Math.min(2 * SECOND * 2 ** (refusals - 1), 10 * MINUTE);
}

/**
 * When to probe a third party that is down, after `failedProbes` checks failed (0 = the outage has just been noticed).
 * Never steps over the moment at which its waiting pushes become Sync failed.
 */
export function nextProbeAt(outageSince: Date, failedProbes: number, now: Date): Date {
  const delayMs = PROBE_DELAYS_MS[Math.min(failedProbes, PROBE_DELAYS_MS.length - 1)] as number;
  const probeAt = now.getTime() + delayMs;
  const failsAt = outageSince.getTime() + UNREACHABLE_FAILS_AFTER_MS;
  return new Date(now.getTime() < failsAt && failsAt < probeAt ? failsAt : probeAt);
}

export function isUnreachableLongEnoughToFail(outageSince: Date, now: Date): boolean {
  return now.getTime() - outageSince.getTime() >= UNREACHABLE_FAILS_AFTER_MS;
}

/** How long a rate limit holds everything back. `retryAfterMs` null = it did not say. */
export function rateLimitDelayMs(retryAfterMs: number | null): number {
  if (retryAfterMs === null) return RATE_LIMIT_DEFAULT_MS;
  return Math.min(Math.max(retryAfterMs, SECOND), RATE_LIMIT_MAX_MS);
}
