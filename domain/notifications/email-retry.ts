/**
 * Retries of an e-mail that the mail server did not accept: nine attempts over 31 hours, to outlast an outage
 * of a day.
 */
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const DELAYS_MS = [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 16 * HOUR];

/** The delay after `attempts` failed attempts; null = no further attempt is made. */
export function nextEmailDelayMs(attempts: number): number | null {
  return DELAYS_MS[attempts - 1] ?? null;
}
