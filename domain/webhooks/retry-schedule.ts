/**
 * When a failed delivery is retried (rules.md 44).
 *
 * Each wait has a jitter of ±20 %, and the next wait compensates for it, so that the total does not drift and
 * the last attempt is never early. Without that, one delivery in five would be given up within the three days
 * for which a receiver may be down.
 */
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Between one attempt and the next. */
export const DELAYS_MS = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];
export const ATTEMPTS_MAX = DELAYS_MS.length + 1;
const JITTER = 0.2;

/** The least wait after a sign that the receiver is overloaded or down. */
const OVERLOADED_MIN_MS = MINUTE;
const OVERLOADED_STATUSES = new Set([429, 502, 504]);
const RETRY_AFTER_STATUSES = new Set([429, 503]);
/** The upper bound for Retry-After: a receiver can slow deliveries down, not stop them. */
const RETRY_AFTER_MAX_MS = HOUR;

export interface FailedAttempt {
  /** null = no answer. */
  status: number | null;
  isTimeout: boolean;
  /** The Retry-After of the response; null = none. */
  retryAfterMs: number | null;
}

export interface RetryQuestion {
  /** The number of attempts so far, including this one. */
  attempts: number;
  /** Since the delivery began. */
  elapsedMs: number;
  failure: FailedAttempt;
  /** From 0 up to 1. */
  random: number;
}

/** How long to wait before the next attempt; null = that was the last one. */
export function nextDelayMs({ attempts, elapsedMs, failure, random }: RetryQuestion): number | null {
  const delay = DELAYS_MS[attempts - 1];
  if (delay === undefined) return null;
  const isLast = attempts === DELAYS_MS.length;
  const jitter = delay * JITTER * (isLast ? random : 2 * random - 1);
  const nominal = DELAYS_MS.slice(0, attempts).reduce((sum, one) => sum + one, 0);
  const jittered = clamp(nominal - elapsedMs + jitter, delay * (1 - JITTER), delay * (1 + JITTER));
  const isOverloaded =
    failure.isTimeout || (failure.status !== null && OVERLOADED_STATUSES.has(failure.status));
  const base = isOverloaded ? Math.max(jittered, OVERLOADED_MIN_MS) : jittered;
  const asked =
    failure.status !== null && RETRY_AFTER_STATUSES.has(failure.status) ? failure.retryAfterMs : null;
  return Math.round(asked === null ? base : clamp(asked, base, Math.max(2 * base, RETRY_AFTER_MAX_MS)));
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
