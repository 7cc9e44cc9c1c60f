/** When tokens are refreshed: before they end, and not at once again after a failure. */
import { retryRefreshAt, tokenTimes } from '../../../domain/oauth/refresh-times';

const NOW = new Date('2026-11-29T12:00:00Z');
const DAY_S = 86_400;
const secondsAfter = (at: Date | null) => (at === null ? null : (at.getTime() - NOW.getTime()) / 1_000);

it.each<[string, { expiresInSeconds: number | null; hasRefreshToken: boolean }, (number | null)[]]>([
  ['an hour', { expiresInSeconds: 3_600, hasRefreshToken: true }, [3_590, 3_290]],
  ['a minute: a third of it ahead', { expiresInSeconds: 60, hasRefreshToken: true }, [50, 30]],
  ['an hour without a refresh token', { expiresInSeconds: 3_600, hasRefreshToken: false }, [3_590, null]],
  ['no stated lifetime', { expiresInSeconds: null, hasRefreshToken: true }, [null, DAY_S]],
  ['no lifetime and no refresh token', { expiresInSeconds: null, hasRefreshToken: false }, [null, null]],
  [
    'longer than a date',
    { expiresInSeconds: 1e300, hasRefreshToken: true },
    [10 * 365 * DAY_S - 10, 10 * 365 * DAY_S - 310],
  ],
])('tokens that live %s, of an answer to a request 10 s ago', (_name, tokens, [endsAfter, dueAfter]) => {
  const times = tokenTimes(tokens, { now: NOW, sentMsAgo: 10_000, refreshAheadSeconds: 300 });

  expect([times.accessExpiresAt, times.refreshDueAt].map(secondsAfter)).toEqual([endsAfter, dueAfter]);
});

it.each([
  [0, null, 5],
  [3, null, 40],
  [1_000, null, 3_600],
  [0, 90_000, 90],
  [0, 1e12, DAY_S],
])('after %s failures, with a wait of %s ms, the next attempt comes after %s s', (failed, wait, seconds) => {
  expect(secondsAfter(retryRefreshAt(NOW, failed, wait))).toBe(seconds);
});
