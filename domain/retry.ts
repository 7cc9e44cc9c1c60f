/** Retry times: for records, for third parties that are down, and after rate limits (rules.md 8, 10, 11). */
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/**
 * After this many 5xx responses to one record, while the third party is otherwise available, it shows Sync
 * failed; its retries go on.
 */
export const REFUSALS_MAX = 5;

/** So many different records that get no answer, with no success between them, are an outage. */
export const UNAVAILABLE_RECORDS_MAX = 3;

/** How often one of the pushes that were given up in an outage is tried again. */
export const GIVEN_UP_PROBE_MS = HOUR;

export interface OutageLimits {
  /** After this the waiting pushes of an unreachable third party show Sync failed; retries continue. */
  failsAfterMs: number;
  /** Waits before the first, second, … probe; the last one repeats. */
  probeDelaysMs: readonly [number, ...number[]];
  /**
   * Retries end after this: of a push since its first attempt, of a job since its first failure (rules.md 11,
   * 35).
   */
  giveUpAfterMs: number;
}

export const OUTAGE_LIMITS: OutageLimits = {
  failsAfterMs: 15 * MINUTE,
  probeDelaysMs: [30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE],
  giveUpAfterMs: 72 * HOUR,
};

const RATE_LIMIT_DEFAULT_MS = 30 * SECOND;
const RATE_LIMIT_MAX_MS = 24 * HOUR;

/**
 * Wait before the next attempt of a record that was refused `refusals` times (1 = once): 2 s, doubled each
 * time.
 */
export function refusalBackoffMs(refusals: number): number {
  return Math.min(2 * SECOND * 2 ** (refusals - 1), 10 * MINUTE);
}

/** The same for a push: its waits grow to two hours, and retries end with `giveUpAt`. */
export function recordRetryDelayMs(refusals: number): number {
  return Math.min(2 * SECOND * 2 ** (refusals - 1), 2 * HOUR);
}

/**
 * When to probe a third party that is down, after `failedProbes` checks failed (0 = the outage has just been
 * noticed). A probe is never later than the moment at which waiting pushes become Sync failed.
 */
export function nextProbeAt(
  { outageSince, failedProbes, now }: { outageSince: Date; failedProbes: number; now: Date },
  { failsAfterMs, probeDelaysMs }: OutageLimits,
): Date {
  const delayMs = probeDelaysMs[Math.min(failedProbes, probeDelaysMs.length - 1)] ?? probeDelaysMs[0];
  const probeAt = now.getTime() + delayMs;
  const failsAt = outageSince.getTime() + failsAfterMs;
  return new Date(now.getTime() < failsAt && failsAt < probeAt ? failsAt : probeAt);
}

export function isUnreachableLongEnoughToFail(
  outageSince: Date,
  now: Date,
  { failsAfterMs }: OutageLimits,
): boolean {
  return now.getTime() - outageSince.getTime() >= failsAfterMs;
}

/** How long a rate limit pauses an integration. `retryAfterMs` is null if the third party named no time. */
export function rateLimitDelayMs(retryAfterMs: number | null): number {
  if (retryAfterMs === null) return RATE_LIMIT_DEFAULT_MS;
  return Math.min(Math.max(retryAfterMs, SECOND), RATE_LIMIT_MAX_MS);
}

/**
 * How long a record waits that was answered with a rate limit of `delayMs`: a little longer than others. A
 * long pause may end early, with new credentials, and the record must not wait for the rest of it.
 */
export const behindOthersMs = (delayMs: number): number =>
  Math.min(delayMs, 5 * MINUTE) + Math.min(delayMs, 10 * SECOND);

/**
 * By how much a retry clock was stopped longer when one of two causes ends (a pause, refused credentials).
 * `stillStoppedSince`: since when the other cause has stopped it, too; the rest is counted when that ends.
 */
export function stoppedMs({
  since,
  until,
  stillStoppedSince,
}: {
  since: Date;
  until: Date;
  stillStoppedSince: Date | null;
}): number {
  return Math.max(0, (stillStoppedSince ?? until).getTime() - since.getTime());
}
