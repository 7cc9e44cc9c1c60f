/** Whether an answer asks to slow down, and for how long: by Retry-After, or by a quota that is used up. */
import { usedUpQuotas } from './quota-headers';
import { type Headers, retryAfterIn } from './retry-after';

/**
 * 429, and 503 or 403 if they say when to try again or that nothing remains of a quota (GitHub).
 */
export const asksToSlowDown = ({ status, headers }: { status: number; headers: Headers }): boolean =>
  status === 429 ||
  ((status === 503 || status === 403) &&
    (headers['retry-after'] !== undefined || usedUpQuotas(headers, 0).length > 0));

/** Milliseconds from now, from 0 to 24 h. Null if the answer names no time. */
export function requestedWaitMs(headers: Headers, nowMs: number): number | null {
  const retryAfterMs = retryAfterIn(headers, nowMs);
  if (retryAfterMs !== null) return retryAfterMs;
  const resets = usedUpQuotas(headers, nowMs).flatMap(({ resetsInMs }) => resetsInMs ?? []);
  return resets.length === 0 ? null : Math.max(...resets);
}
