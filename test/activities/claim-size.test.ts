/** How many deliveries of an endpoint one claim takes: a slow endpoint holds few, a fast one many. */
import { claimSize } from '../../activities/webhooks/claim-size';

const endpoint = { perClaim: 300, ratePerSecond: null, delivered: 0, elapsedMs: 0 };

it.each([
  ['before its first delivery', {}, 300],
  ['that takes 20 a second', { delivered: 200, elapsedMs: 10_000 }, 300],
  ['that takes 4,000 a second', { delivered: 8_000, elapsedMs: 2_000 }, 600],
  ['that takes 100,000 a second', { delivered: 100_000, elapsedMs: 1_000 }, 900],
  ['that is limited to 10 a second', { ratePerSecond: 10, delivered: 50, elapsedMs: 5_000 }, 20],
  ['that is limited to 1,000 a second', { ratePerSecond: 1_000, delivered: 5_000, elapsedMs: 5_000 }, 300],
])('an endpoint %s', (_which, so, size) => {
  expect(claimSize({ ...endpoint, ...so })).toBe(size);
});
