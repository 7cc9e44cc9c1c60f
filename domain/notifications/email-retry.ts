/**
 * Retries of an e-mail that the mail server did not accept: nine attempts over 31 hours, to outlast an outage
 * of a day.
 */
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const DELAYS_MS = [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, 16 * HOUR];

/** How long to wait after `attempts` were made in vain (1 = one); null = no further one is made. */
export function nextEmailDelayMs(attempts: number): number | null {
  return DELAYS_MS[attempts - 1] ?? null;
}
