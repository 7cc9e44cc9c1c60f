/** Leases that cannot be renewed: calls end before another worker may claim the same rows. */
import { setImmediate } from 'node:timers/promises';
import type { Context } from '@temporalio/activity';
import type { ActivityLog } from '../../activities/dependencies';
import { ClaimLeases } from '../../activities/lease-renewal';
import { HEARTBEAT_INTERVAL_MS, type TimeBox } from '../../activities/time-box';

const LEASE_MS = 17_000;
let now = 0;

beforeEach(() => {
  now = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => now);
});
afterEach(() => void jest.restoreAllMocks());

/** @returns how long after a claim its calls are aborted if the first heartbeat comes `beforeMs` after it. */
async function abortedAfter(
  beforeMs: number,
  renew = (_endLease: () => void): Promise<unknown> => Promise.reject(new Error('No answer.')),
): Promise<number> {
  let heartbeat = (): void => {};
  let abortedAt = Infinity;
  const timeBox = {
    signal: new AbortController().signal,
    after: (ms: number) => new Date(now + ms),
    abort: () => void (abortedAt = Math.min(abortedAt, now)),
    withHeartbeat: (_activity: Context, run: () => Promise<void>, onHeartbeat: () => void) => {
      heartbeat = onHeartbeat;
      return run();
    },
  } as unknown as TimeBox;
  const leases = new ClaimLeases({
    timeBox,
    leaseMs: LEASE_MS,
    log: { warn: () => undefined } as unknown as ActivityLog,
    logFields: {},
  });
  await leases.renewDuring({} as Context, async () => undefined);
  const endLease = leases.hold(() => renew(endLease), now);
  now += beforeMs;
  for (let beats = 0; beats < 6; beats += 1) {
    heartbeat();
    await setImmediate();
    now += HEARTBEAT_INTERVAL_MS;
  }
  return abortedAt;
}

it.each([1, 499, 999, 1_001, 2_500, 3_999])(
  'ends the calls of a claim in time that was made %i ms before a heartbeat',
  async (beforeMs) => {
    const endedAfter = await abortedAfter(beforeMs);

    expect(endedAfter).toBeLessThanOrEqual(LEASE_MS - 500);
    expect(endedAfter).toBeGreaterThan(2 * HEARTBEAT_INTERVAL_MS);
  },
);

it('ends the calls once another execution has taken a lease', async () => {
  expect(await abortedAfter(3_999, async () => false)).toBeLessThan(2 * HEARTBEAT_INTERVAL_MS);
});

it.each([true, 0, undefined])('ends no calls if a renewal answers %s', async (answer) => {
  expect(await abortedAfter(3_999, async () => answer)).toBe(Infinity);
});

it('ends no calls if a lease was given back while its renewal was under way', async () => {
  const renew = async (endLease: () => void) => {
    endLease();
    return false;
  };

  expect(await abortedAfter(3_999, renew)).toBe(Infinity);
});
