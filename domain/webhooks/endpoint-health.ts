/** How an endpoint is doing: when to pause for a minute, when to warn, when to switch it off (rules.md 45). */
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

const BREAKER_FAILURES = 5;
const BREAKER_WITHIN_MS = 10 * SECOND;
/** How long a receiver that failed again and again is left alone; what waits does not lose an attempt by it. */
export const BREAKER_PAUSE_MS = 60 * SECOND;

/** The failures in a row that count still. `failures`: instants, oldest first; a success empties it. */
export function recentFailures(failures: readonly number[], now: number): number[] {
  return failures.filter((at) => now - at < BREAKER_WITHIN_MS).slice(-BREAKER_FAILURES);
}

/** How many failures more make a receiver one that is left alone; 0 = it is one. */
export function failuresUntilDown(failures: readonly number[], now: number): number {
  return BREAKER_FAILURES - recentFailures(failures, now).length;
}

/** Nothing but failures for so long, and so many of so many messages that one quiet message alone cannot switch an endpoint off. */
const DISABLED_AFTER_MS = 120 * HOUR;
const DISABLED_ATTEMPTS_MIN = 10;
const DISABLED_MESSAGES_MIN = 2;
const WARNED_AFTER_MS = [24 * HOUR, 72 * HOUR];

export interface EndpointHealth {
  /** null = the last attempt succeeded. */
  failingSince: Date | null;
  failedAttempts: number;
  failedMessages: number;
  warnedAt: Date | null;
}

export type HealthDecision = 'well' | 'warn' | 'disable';

/** What has to be done about it now. A warning is due once for each of its limits. */
export function decideHealth(
  { failingSince, failedAttempts, failedMessages, warnedAt }: EndpointHealth,
  now: Date,
): HealthDecision {
  if (failingSince === null) return 'well';
  const failingForMs = now.getTime() - failingSince.getTime();
  if (
    failingForMs >= DISABLED_AFTER_MS &&
    failedAttempts >= DISABLED_ATTEMPTS_MIN &&
    failedMessages >= DISABLED_MESSAGES_MIN
  )
    return 'disable';
  const passed = WARNED_AFTER_MS.filter((limit) => failingForMs >= limit).at(-1);
  if (passed === undefined) return 'well';
  return warnedAt === null || warnedAt.getTime() < failingSince.getTime() + passed ? 'warn' : 'well';
}
