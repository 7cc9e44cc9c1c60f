/** How an endpoint is doing: rules.md 44 (the pause of a minute) and 45. */
import {
  type EndpointHealth,
  failuresUntilDown,
  decideHealth,
  recentFailures,
} from '../../../domain/webhooks/endpoint-health';

const HOUR = 3_600_000;
const since = new Date('2026-11-20T08:00:00Z');
const after = (hours: number) => new Date(since.getTime() + hours * HOUR);
const failing: EndpointHealth = {
  failingSince: since,
  failedAttempts: 20,
  failedMessages: 2,
  warnedAt: null,
};
const verdict = (hours: number, health: Partial<EndpointHealth> = {}) =>
  decideHealth({ ...failing, ...health }, after(hours));

it.each([
  [0, null, 'well'],
  [23.9, null, 'well'],
  [24, null, 'warn'],
  [50, 24, 'well'],
  [71.9, 30, 'well'],
  [72, 24, 'warn'],
  [73, 72, 'well'],
  // Late, but before the second is due: it counts for the first.
  [80, null, 'warn'],
  [81, 80, 'well'],
  [119.9, 72, 'well'],
  [120, 72, 'disable'],
  [300, 72, 'disable'],
] as const)('%d h of nothing but failures, warned of after %s: %s', (hours, warnedAfter, expected) => {
  expect(verdict(hours, { warnedAt: warnedAfter === null ? null : after(warnedAfter) })).toBe(expected);
});

it('is well as long as the last attempt succeeded', () => {
  expect(verdict(1_000, { failingSince: null })).toBe('well');
});

it('warns again in a new series of failures', () => {
  expect(verdict(24, { warnedAt: after(-100) })).toBe('warn');
});

it.each([
  { failedAttempts: 9, failedMessages: 2 },
  { failedAttempts: 10, failedMessages: 1 },
])('does not disable an endpoint after %j, however long', (counts) => {
  expect(verdict(500, { ...counts, warnedAt: after(72) })).toBe('well');
});

it('disables an endpoint after ten attempts of two messages', () => {
  expect(verdict(120, { failedAttempts: 10, failedMessages: 2 })).toBe('disable');
});

it('treats a receiver as down after five failures within ten seconds, and as up again when they are older', () => {
  const failures = [0, 1_000, 2_000, 3_000, 4_000];

  expect(failuresUntilDown(failures.slice(0, 3), 4_000)).toBe(2);
  expect(failuresUntilDown(failures, 4_000)).toBe(0);
  expect(recentFailures(failures, 11_500)).toEqual([2_000, 3_000, 4_000]);
  expect(failuresUntilDown(failures, 30_000)).toBe(5);
});
