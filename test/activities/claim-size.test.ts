/** How many deliveries of an endpoint one claim takes: more for a fast endpoint, fewer for a limited one. */
import { claimSize } from '../../activities/webhooks/claim-size';

const endpoint = { perClaim: 300, ratePerSecond: null, delivered: 0, elapsedMs: 0 };

it.each([
  ['before its first delivery', 300, {}],
  ['that takes 20 a second', 300, { delivered: 200, elapsedMs: 10_000 }],
  ['that takes 4,000 a second', 600, { delivered: 8_000, elapsedMs: 2_000 }],
  ['that takes 100,000 a second', 900, { delivered: 100_000, elapsedMs: 1_000 }],
  ['that is limited to 10 a second', 20, { ratePerSecond: 10, delivered: 50, elapsedMs: 5_000 }],
  ['that is limited to 1,000 a second', 300, { ratePerSecond: 1_000, delivered: 5_000, elapsedMs: 5_000 }],
])('of an endpoint %s, a claim takes %i deliveries', (_which, size, so) => {
  expect(claimSize({ ...endpoint, ...so })).toBe(size);
});
