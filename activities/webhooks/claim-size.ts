/** How many due deliveries one claim takes. */

/** A claim takes what the endpoint accepts in this time: a claim costs as much time as several deliveries. */
const CLAIMED_FOR_MS = 150;
const GROWTH_MAX = 3;

/** `delivered` in `elapsedMs`: how fast the endpoint has been so far. */
export function claimSize(endpoint: {
  perClaim: number;
  ratePerSecond: number | null;
  delivered: number;
  elapsedMs: number;
}): number {
  const { perClaim, ratePerSecond, delivered, elapsedMs } = endpoint;
  if (ratePerSecond !== null) return Math.min(perClaim, 2 * ratePerSecond);
  const taken = Math.round((delivered / Math.max(elapsedMs, 1)) * CLAIMED_FOR_MS);
  return Math.min(Math.max(taken, perClaim), GROWTH_MAX * perClaim);
}
