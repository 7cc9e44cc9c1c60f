/** The health of an endpoint: when to pause it for a minute, to warn, or to disable it (rules.md 45). */
const SECOND = 1_000;
const HOUR = 3_600 * SECOND;

const BREAKER_FAILURES = 5;
const BREAKER_WITHIN_MS = 10 * SECOND;
/** How long the circuit breaker pauses deliveries. The pause consumes no attempts. */
export const BREAKER_PAUSE_MS = 60 * SECOND;

/** The failures that still count. `failures`: instants without a success between them, oldest first. */
export function recentFailures(failures: readonly number[], now: number): number[] {
  return failures.filter((at) => now - at < BREAKER_WITHIN_MS).slice(-BREAKER_FAILURES);
}

/** The number of further failures that open the circuit breaker; 0 = it is open. */
export function failuresUntilDown(failures: readonly number[], now: number): number {
  return BREAKER_FAILURES - recentFailures(failures, now).length;
}

/**
 * An endpoint is disabled after failing for this long, with enough attempts of enough messages: one message
 * alone is not enough.
 */
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

/** The action that is due now. Each warning limit is due once. */
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
