// oxlint-disable jest/no-conditional-expect -- properties have premises
/** Retries: rules.md 8 and 11, rules.md R8, R9 and 3.2. */
import * as fc from 'fast-check';
import {
  isUnreachableLongEnoughToFail,
  nextProbeAt,
  rateLimitDelayMs,
  refusalBackoffMs,
  REFUSALS_MAX,
  OUTAGE_LIMITS,
} from '../../domain/retry';

const HOUR = 3_600_000;
const since = new Date(Date.UTC(2026, 10, 21));

/** The instants of all probes of an outage, each probe noticed `lateMs` after it was due. */
function probesOf(durationMs: number, lateMs: () => number = () => 0): number[] {
  const probes: number[] = [];
  let now = since.getTime();
  for (let failed = 0; ; failed += 1) {
    const next =
      nextProbeAt({ outageSince: since, failedProbes: failed, now: new Date(now) }, OUTAGE_LIMITS).getTime() +
      lateMs();
    if (next > since.getTime() + durationMs) return probes;
    probes.push(next);
    now = next;
  }
}

describe('rule 11: probing a third party that is down', () => {
  it('is 30 s, 1, 2 and then 5 minutes after the last probe, with one exactly at 15 minutes', () => {
    const minutes = probesOf(25 * 60_000).map((probe) => (probe - since.getTime()) / 60_000);

    expect(minutes).toEqual([0.5, 1.5, 3.5, 8.5, 13.5, 15, 20, 25]);
  });

  it('costs at most 200 calls in an outage of 12 hours', () => {
    expect(probesOf(12 * HOUR).length).toBeLessThanOrEqual(200);
  });

  it('always moves forward, by 30 s to 5 min, except for the probe at 15 minutes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1_000 }),
        fc.integer({ min: 0, max: 80 * HOUR }),
        (failed, elapsedMs) => {
          const now = new Date(since.getTime() + elapsedMs);
          const waits =
            nextProbeAt({ outageSince: since, failedProbes: failed, now }, OUTAGE_LIMITS).getTime() -
            now.getTime();
          const failsIn = OUTAGE_LIMITS.failsAfterMs - elapsedMs;

          expect(waits).toBeGreaterThan(0);
          expect(waits).toBeLessThanOrEqual(5 * 60_000);
          if (waits < 30_000) expect(waits).toBe(failsIn);
          if (failsIn > 0) expect(waits).toBeLessThanOrEqual(failsIn);
        },
      ),
    );
  });

  it('has a probe at 15 minutes, however late each probe is', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2_000 }), { minLength: 1, maxLength: 20 }), (delays) => {
        let position = 0;
        const probes = probesOf(HOUR, () => delays[position++ % delays.length] as number);
        const firstFailing = probes.find((probe) =>
          isUnreachableLongEnoughToFail(since, new Date(probe), OUTAGE_LIMITS),
        );

        expect((firstFailing as number) - since.getTime()).toBeLessThanOrEqual(
          OUTAGE_LIMITS.failsAfterMs + 2_000,
        );
      }),
    );
  });

  it('fails waiting pushes after 15 minutes, and not earlier', () => {
    expect(
      isUnreachableLongEnoughToFail(
        since,
        new Date(since.getTime() + OUTAGE_LIMITS.failsAfterMs - 1),
        OUTAGE_LIMITS,
      ),
    ).toBe(false);
    expect(
      isUnreachableLongEnoughToFail(
        since,
        new Date(since.getTime() + OUTAGE_LIMITS.failsAfterMs),
        OUTAGE_LIMITS,
      ),
    ).toBe(true);
    expect(OUTAGE_LIMITS.giveUpAfterMs).toBe(72 * HOUR);
  });
});

describe('rule 8: a record that is refused with 5xx', () => {
  it('is retried after 2 s, then after twice as long each time, and never after more than ten minutes', () => {
    expect([1, 2, 3, 4].map(refusalBackoffMs)).toEqual([2_000, 4_000, 8_000, 16_000]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000 }), (refusals) =>
        expect(refusalBackoffMs(refusals)).toBeLessThanOrEqual(600_000),
      ),
    );
  });

  it('is not tried more than five times', () => {
    expect(REFUSALS_MAX).toBe(5);
  });
});

describe('R9: a rate limit', () => {
  it.each([
    ['half a minute without a Retry-After', null, 30_000],
    ['a second at least', 0, 1_000],
    ['a second when it names the past', -5_000, 1_000],
    ['as long as it asks', 90_000, 90_000],
    ['a day at most', 10 * 24 * HOUR, 24 * HOUR],
  ])('waits %s', (_what, retryAfterMs, expected) => {
    expect(rateLimitDelayMs(retryAfterMs)).toBe(expected);
  });
});
