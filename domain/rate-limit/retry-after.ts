/** The header Retry-After, of third parties and of webhook receivers. */

/** Names in lower case. */
export type Headers = Readonly<Record<string, string>>;

/** Longer waits are cut to this (rules.md R9). */
const RETRY_AFTER_MS_MAX = 24 * 60 * 60 * 1000;

/** The clock by which the server names instants; `nowMs` if the response has no Date. */
export function clockOf(headers: Headers, nowMs: number): number {
  const remoteNowMs = Date.parse(headers['date'] ?? '');
  return Number.isNaN(remoteNowMs) ? nowMs : remoteNowMs;
}

/**
 * `Retry-After` in milliseconds from now: seconds (also "2.0", as Shopify writes them) or an HTTP-date by the
 * server's clock (RFC 9110 10.2.3), from 0 to 24 h. Null if absent or unreadable: the caller then uses its
 * own backoff. The names of `headers` are in lower case.
 */
export function retryAfterIn(headers: Headers, nowMs: number): number | null {
  const text = headers['retry-after']?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return Math.min(Math.ceil(Number(text) * 1000), RETRY_AFTER_MS_MAX);
  // Date.parse also accepts "-5" and "12 hours". An HTTP-date begins with the name of a day.
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? .*\d/.test(text)) return null;
  const atMs = Date.parse(text.endsWith('GMT') ? text : `${text} GMT`);
  if (Number.isNaN(atMs)) return null;
  return Math.min(Math.max(atMs - clockOf(headers, nowMs), 0), RETRY_AFTER_MS_MAX);
}
