// oxlint-disable jest/no-conditional-expect -- properties have premises
/**
 * The request budget by itself: rules.md 34. How it gets on with a third party:
 * request-budget-simulation.test.ts.
 */
import * as fc from 'fast-check';
import {
  PERMITS_MAX,
  newRateLimiter,
  recordResponses,
  RATE_FLOOR,
  REQUEST_PRIORITIES,
  type RateLimiter,
  takeRequests,
} from '../../../domain/rate-limit/rate-limiter';

const START = Date.UTC(2026, 10, 21, 12);
const at = (ms: number) => new Date(START + ms);
const fresh = newRateLimiter(at(0));
const ok = (requests: number) => ({ requests, slowedDown: 0, quota: null });
const slowed = { requests: 1, slowedDown: 1, quota: null };
/** With this rate, its bucket full. */
const limitedTo = (ratePerSecond: number, more: Partial<RateLimiter> = {}): RateLimiter => ({
  ...fresh,
  ratePerSecond,
  ceilingPerSecond: ratePerSecond,
  tokens: Math.max(ratePerSecond / 2, 2),
  slowedAt: at(0),
  ...more,
});
const withQuota = (limit: number | null, remaining: number, resetsInMs: number | null) =>
  recordResponses(fresh, { requests: 1, slowedDown: 0, quota: { limit, remaining, resetsInMs } }, at(0));
const priorities = fc.constantFrom(...REQUEST_PRIORITIES);

/** Anything that may happen to a budget, a step at a time. */
const steps = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.integer({ min: -500, max: 3_000 }), fc.integer({ min: 0, max: 7_200_000 })),
    take: fc.option(fc.record({ priority: priorities, wanted: fc.integer({ min: 1, max: 50 }) }), {
      nil: undefined,
    }),
    note: fc.option(
      fc.record({
        requests: fc.integer({ min: 1, max: 200 }),
        slowedDown: fc.constantFrom(0, 0, 1),
        quota: fc.option(
          fc.record({
            limit: fc.option(fc.integer({ min: 100, max: 5_000 })),
            remaining: fc.integer({ min: 0, max: 100 }),
            resetsInMs: fc.option(fc.integer({ min: 0, max: 86_400_000 })),
          }),
        ),
      }),
      { nil: undefined },
    ),
  }),
  { maxLength: 60 },
);

describe('a pause that the third party asked for', () => {
  it('holds back every priority until its end, whatever the rate would allow', () => {
    const paused = recordResponses(fresh, { ...slowed, pauseMs: 8_000 }, at(0));
    for (const priority of REQUEST_PRIORITIES) {
      for (const ms of [0, 2_000, 7_999])
        expect(takeRequests(paused, { priority, wanted: 1 }, at(ms))).toMatchObject({
          granted: 0,
          retryAt: at(8_000),
        });
    }
    expect(takeRequests(paused, { priority: 'push', wanted: 1 }, at(8_000)).granted).toBeGreaterThan(0);
  });

  it('ends with the last one of several', () => {
    const long = recordResponses(fresh, { ...slowed, pauseMs: 8_000 }, at(0));
    const both = recordResponses(long, { ...slowed, pauseMs: 1_000 }, at(500));
    expect(takeRequests(both, { priority: 'push', wanted: 1 }, at(7_999)).granted).toBe(0);
  });
});

describe('a budget without a known limit', () => {
  it('grants every request at once, whatever the priority', () => {
    for (const priority of REQUEST_PRIORITIES) {
      expect(takeRequests(fresh, { priority, wanted: 1 }, at(0))).toMatchObject({
        granted: PERMITS_MAX,
        retryAt: null,
      });
      expect(takeRequests(fresh, { priority, wanted: 500 }, at(0))).toMatchObject({
        granted: 500,
        retryAt: null,
      });
    }
  });

  it('gets a limit at the first "slow down": half of the recent rate, without requests before a pause', () => {
    let budget = recordResponses(fresh, ok(10_000), at(5_000));
    budget = takeRequests(budget, { priority: 'full', wanted: 1 }, at(60_000)).budget;
    budget = recordResponses(budget, ok(80), at(62_000));

    expect(recordResponses(budget, slowed, at(64_000))).toMatchObject({
      ratePerSecond: 10,
      ceilingPerSecond: 20,
      tokens: 0,
    });
  });

  it('keeps a minimum rate when its very first request is rate-limited', () => {
    expect(recordResponses(fresh, slowed, at(10)).ratePerSecond).toBeGreaterThanOrEqual(0.5);
  });
});

describe('a rate', () => {
  it('is halved once by simultaneous refusals, again by a later one, and never falls below the minimum', () => {
    const once = recordResponses(limitedTo(8, { slowedAt: null, requestsCounted: 8 }), slowed, at(1_000));
    const together = recordResponses(once, slowed, at(2_000));
    let later = together;
    for (let ms = 5_000; ms < 100_000; ms += 5_000) later = recordResponses(later, slowed, at(ms));

    expect(once.ratePerSecond).toBeCloseTo(4, 0);
    expect(together.ratePerSecond).toBeGreaterThanOrEqual(once.ratePerSecond as number);
    expect(later.ratePerSecond).toBeGreaterThanOrEqual(RATE_FLOOR);
    expect(later.ratePerSecond).toBeLessThan(RATE_FLOOR * 1.5);
  });

  it('grows while it is used: fast up to near the last limit, then slowly, fast beyond it, and not far above the use', () => {
    let budget = limitedTo(5, { ceilingPerSecond: 10, requestsCounted: 5 });
    const rateAfter = (untilMs: number) => {
      for (let ms = budget.refilledAt.getTime() - START; ms < untilMs; ms += 1_000)
        budget = recordResponses(budget, ok(9), at(ms + 1_000));
      return budget.ratePerSecond ?? 0;
    };

    expect(rateAfter(30_000)).toBeCloseTo(9, 0);
    expect(rateAfter(60_000)).toBeLessThan(10);
    expect(rateAfter(119_000)).toBeLessThan(11);
    // It was not what the third party bears: found out soon, but not beyond what is used.
    const grown = rateAfter(200_000);
    expect(grown).toBeGreaterThan(30);
    expect(rateAfter(3_000_000)).toBeLessThan(50);
    expect(recordResponses(budget, ok(1), at(3_500_000)).ratePerSecond).toBeLessThan(50);
  });

  it('is dropped an hour after the last limit if far less is used, and not sooner, nor while it is used', () => {
    const after = (ms: number, requests: number) => {
      const ready = { refilledAt: at(ms), countingSince: at(ms - 10_000), requestsCounted: 0 };
      return recordResponses(limitedTo(10, ready), ok(requests), at(ms)).ratePerSecond;
    };

    expect(after(3_600_000, 20)).toBeNull();
    expect(after(3_500_000, 20)).not.toBeNull();
    expect(after(3_600_000, 90)).not.toBeNull();
    expect(after(86_400_000, 90)).toBeNull();
  });
});

describe('a bucket', () => {
  it('keeps a reserve for each higher priority, and gives the last token to a push', () => {
    const leastFor = (priority: (typeof REQUEST_PRIORITIES)[number]) => {
      for (let tenths = 0; ; tenths += 1)
        if (takeRequests(limitedTo(20, { tokens: tenths / 10 }), { priority, wanted: 1 }, at(0)).granted > 0)
          return tenths;
    };
    const least = REQUEST_PRIORITIES.map(leastFor);

    expect(least[0]).toBe(10);
    expect(least).toEqual(least.toSorted((one, other) => one - other));
    expect(new Set(least).size).toBe(REQUEST_PRIORITIES.length);
  });

  it('returns a retry time at which a token is available, for every priority and rate', () => {
    fc.assert(
      fc.property(
        priorities,
        fc.double({ min: RATE_FLOOR, max: 1_000, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (priority, rate, tokens) => {
          const first = takeRequests(limitedTo(rate, { tokens }), { priority, wanted: 3 }, at(0));
          if (first.retryAt === null) return;
          expect(
            takeRequests(first.budget, { priority, wanted: 3 }, first.retryAt).granted,
          ).toBeGreaterThanOrEqual(1);
        },
      ),
    );
  });

  it('never grants more than it had and received, whatever is requested', () => {
    fc.assert(
      fc.property(
        fc.double({ min: RATE_FLOOR, max: 500, noNaN: true }),
        fc.array(fc.tuple(priorities, fc.integer({ min: 1, max: 40 }), fc.integer({ min: -200, max: 900 })), {
          maxLength: 100,
        }),
        (rate, takes) => {
          let budget = limitedTo(rate);
          let [nowMs, latestMs, granted] = [0, 0, 0];
          for (const [priority, wanted, afterMs] of takes) {
            nowMs += afterMs;
            latestMs = Math.max(latestMs, nowMs);
            const taking = takeRequests(budget, { priority, wanted }, at(nowMs));
            budget = taking.budget;
            granted += taking.granted;
          }
          // The rate has grown no further than this.
          const highest = budget.ratePerSecond ?? 0;
          expect(granted).toBeLessThanOrEqual(Math.max(rate / 2, 2) + (latestMs / 1_000) * highest + 1e-6);
        },
      ),
    );
  });

  it('stays within its bounds, and always returns either a grant or a retry time', () => {
    fc.assert(
      fc.property(steps, (all) => {
        let budget = fresh;
        let nowMs = 0;
        for (const { afterMs, take, note } of all) {
          nowMs += afterMs;
          const before = budget.refilledAt;
          if (note) budget = recordResponses(budget, note, at(nowMs));
          if (take) {
            const taking = takeRequests(budget, take, at(nowMs));
            budget = taking.budget;
            expect(taking.granted > 0).toBe(taking.retryAt === null);
            if (taking.retryAt) expect(taking.retryAt.getTime()).toBeGreaterThan(budget.refilledAt.getTime());
          }
          expect(budget.refilledAt.getTime()).toBeGreaterThanOrEqual(before.getTime());
          expect(budget.tokens).toBeGreaterThanOrEqual(0);
          expect(budget.ratePerSecond ?? RATE_FLOOR).toBeGreaterThanOrEqual(RATE_FLOOR);
          expect(
            Object.values(budget).filter((value) => typeof value === 'number' && !Number.isFinite(value)),
          ).toEqual([]);
        }
      }),
    );
  });
});

describe('a quota', () => {
  it('keeps a fifth for pushes: a full pass waits for the reset, a push does not', () => {
    const budget = withQuota(1_000, 200, 600_000);

    expect(takeRequests(budget, { priority: 'full', wanted: 1 }, at(1_000))).toMatchObject({
      granted: 0,
      retryAt: at(600_000),
    });
    expect(takeRequests(budget, { priority: 'push', wanted: 1 }, at(1_000)).granted).toBeGreaterThanOrEqual(
      1,
    );
    expect(takeRequests(budget, { priority: 'full', wanted: 1 }, at(600_000)).granted).toBe(PERMITS_MAX);
  });

  it('is granted by priority', () => {
    const waiting = (remaining: number) =>
      REQUEST_PRIORITIES.filter(
        (priority) => takeRequests(withQuota(1_000, remaining, null), { priority, wanted: 1 }, at(0)).retryAt,
      );

    expect(waiting(201)).toEqual([]);
    expect(waiting(151)).toEqual(['full']);
    expect(waiting(101)).toEqual(['hourly', 'full']);
    expect(waiting(51)).toEqual(['sign_in', 'hourly', 'full']);
    expect(waiting(1)).toEqual(['manual', 'sign_in', 'hourly', 'full']);
    expect(waiting(0)).toEqual([...REQUEST_PRIORITIES]);
  });

  it('is reduced by each grant, so that many workers together do not exceed it', () => {
    let budget = withQuota(1_000, 300, 600_000);
    let granted = 0;
    for (let asked = 0; asked < 100; asked += 1) {
      const taking = takeRequests(budget, { priority: 'full', wanted: 7 }, at(asked));
      budget = taking.budget;
      granted += taking.granted;
    }

    expect(granted).toBe(100);
  });

  it('without a reset time is valid for a minute, and a push does not trust any other for longer', () => {
    expect(
      takeRequests(withQuota(1_000, 10, null), { priority: 'hourly', wanted: 1 }, at(0)).retryAt,
    ).toEqual(at(60_000));
    const empty = withQuota(1_000, 0, 7_200_000);
    expect(takeRequests(empty, { priority: 'push', wanted: 5 }, at(0)).retryAt).toEqual(at(60_000));
    expect(takeRequests(empty, { priority: 'push', wanted: 5 }, at(60_000)).granted).toBe(1);
    expect(takeRequests(empty, { priority: 'hourly', wanted: 5 }, at(60_000)).retryAt).toEqual(at(7_200_000));
  });
});
