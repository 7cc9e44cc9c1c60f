/** The header Retry-After, of third parties and of webhook receivers. */

/** Longer waits are cut to this (rules.md R9). */
const RETRY_AFTER_MS_MAX = 24 * 60 * 60 * 1000;

/**
 * `Retry-After` in milliseconds from now: seconds or an HTTP-date (RFC 9110 10.2.3), from 0 to 24 h. Null if
 * absent or unreadable: the caller then uses its own backoff.
 */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | null {
  const text = value?.trim() ?? '';
  if (/^\d+$/.test(text)) return Math.min(Number(text) * 1000, RETRY_AFTER_MS_MAX);
  // Date.parse also accepts "-5", "1.5" and "12 hours". An HTTP-date begins with the name of a day.
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d/.test(text)) return null;
  const atMs = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  if (Number.isNaN(atMs)) return null;
  return Math.min(Math.max(atMs - nowMs, 0), RETRY_AFTER_MS_MAX);
}
