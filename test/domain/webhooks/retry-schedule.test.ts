/** When a delivery that failed is tried again: rules.md 44. */
import {
  ATTEMPTS_MAX,
  DELAYS_MS,
  type FailedAttempt,
  nextDelayMs,
} from '../../../domain/webhooks/retry-schedule';
import { Random } from '../../support/random';

const [SECOND, MINUTE, HOUR] = [1_000, 60_000, 3_600_000];
const refused: FailedAttempt = { status: 500, isTimeout: false, retryAfterMs: null };

/** All waits of a delivery that never gets through. */
function waits(random: () => number): number[] {
  const found: number[] = [];
  for (let [attempts, elapsedMs] = [1, 0]; ; attempts += 1) {
    const delay = nextDelayMs({ attempts, elapsedMs, failure: refused, random: random() });
    if (delay === null) return found;
    found.push(delay);
    elapsedMs += delay;
  }
}
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
const first = (failure: Partial<FailedAttempt>, attempts = 1) =>
  nextDelayMs({
    attempts,
    elapsedMs: sum(DELAYS_MS.slice(0, attempts - 1)),
    failure: { ...refused, ...failure },
    random: 0.5,
  });

it('makes ten attempts, after 5 s, 5 min, 30 min, 2, 5, 10, 14, 20 and 24 h', () => {
  expect(ATTEMPTS_MAX).toBe(10);
  expect(waits(() => 0.5).slice(0, -1)).toEqual([
    5 * SECOND,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
  ]);
  expect(nextDelayMs({ attempts: 10, elapsedMs: 0, failure: refused, random: 0.5 })).toBeNull();
});

it.each([0, 0.25, 0.5, 0.75, 0.999_999])(
  'keeps each wait within a fifth, and gives up no delivery before 75 h 35 min (chance %d)',
  (random) => {
    const found = waits(() => random);

    for (const [index, wait] of found.entries()) {
      expect(wait).toBeGreaterThanOrEqual(Math.floor((DELAYS_MS[index] as number) * 0.8));
      expect(wait).toBeLessThanOrEqual(Math.ceil((DELAYS_MS[index] as number) * 1.2));
    }
    expect(sum(found)).toBeGreaterThanOrEqual(sum(DELAYS_MS));
  },
);

it('does not let waits drift: the next wait compensates the jitter of the last', () => {
  const random = new Random();
  for (let trial = 0; trial < 200; trial += 1)
    expect(sum(waits(() => random.next()))).toBeGreaterThanOrEqual(sum(DELAYS_MS));
});

it.each([{ status: 429 }, { status: 502 }, { status: 504 }, { status: null, isTimeout: true }])(
  'waits at least a minute after %j',
  (failure) => {
    expect(first(failure)).toBe(MINUTE);
  },
);

it.each([{ status: 500 }, { status: 503 }, { status: 404 }, { status: null }])(
  'does not wait a minute after %j',
  (failure) => {
    expect(first(failure)).toBe(5 * SECOND);
  },
);

it('obeys Retry-After with 429 and 503, up to an hour or twice the wait, and never retries earlier because of it', () => {
  expect(first({ status: 503, retryAfterMs: 10 * MINUTE })).toBe(10 * MINUTE);
  expect(first({ status: 429, retryAfterMs: 10 * MINUTE })).toBe(10 * MINUTE);
  expect(first({ status: 503, retryAfterMs: 240 * HOUR })).toBe(HOUR);
  expect(first({ status: 503, retryAfterMs: 240 * HOUR }, 5)).toBe(10 * HOUR);
  expect(first({ status: 503, retryAfterMs: 0 })).toBe(5 * SECOND);
  expect(first({ status: 500, retryAfterMs: 10 * MINUTE })).toBe(5 * SECOND);
});
