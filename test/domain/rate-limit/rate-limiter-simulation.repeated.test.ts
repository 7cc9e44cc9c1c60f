/**
 * Workers that share a rate limiter, and a third party with a fixed capacity: rules.md 34, R9. The time is
 * simulated.
 */
import * as fc from 'fast-check';
import {
  PERMITS_TTL_MS,
  newRateLimiter,
  recordResponses,
  type RateLimiter,
  type RequestPriority,
  takeRequests,
} from '../../../domain/rate-limit/rate-limiter';
import { repetitions } from '../../support/tier';

const START = Date.UTC(2026, 10, 21);
const at = (ms: number) => new Date(START + ms);
const STEP_MS = 10;

interface Scenario {
  /** What the third party bears, and how many at once. */
  perSecond: number;
  burstSeconds: number;
  retryAfterMs: number;
  workers: number;
  /** Pushes per second beside the full passes. */
  pushesPerSecond: number;
  minutes: number;
  warmUpMinutes: number;
}

interface Worker {
  priority: RequestPriority;
  left: number;
  goodUntilMs: number;
  retryAtMs: number;
  noted: number;
  /** Works only while something is waiting. */
  waitingSinceMs: number[] | null;
}

/** Full passes that always have something to read, and one worker that pushes now and then. */
function simulate(scenario: Scenario) {
  let budget: RateLimiter = newRateLimiter(at(0));
  // Less than two at once would leave no room for a push beside anything else.
  const burst = Math.max(scenario.perSecond * scenario.burstSeconds, 2);
  let theirTokens = burst;
  let blockedUntilMs = 0;
  const tally = { accepted: 0, refused: 0, statements: 0, pushWaitsMs: [] as number[] };
  const worker = (priority: RequestPriority, waitingSinceMs: number[] | null): Worker => ({
    priority,
    left: 0,
    goodUntilMs: 0,
    retryAtMs: 0,
    noted: 0,
    waitingSinceMs,
  });
  const pusher = worker('push', []);
  const workers = [...Array.from({ length: scenario.workers }, () => worker('full', null)), pusher];
  let pushesDue = 0;

  const send = (one: Worker, nowMs: number): boolean => {
    const isCounted = nowMs >= scenario.warmUpMinutes * 60_000;
    if (one.left < 1 || nowMs >= one.goodUntilMs) {
      const noted = recordResponses(budget, { requests: one.noted, slowedDown: 0, quota: null }, at(nowMs));
      const taking = takeRequests(
        noted,
        { priority: one.priority, wanted: one.waitingSinceMs?.length ?? 4 },
        at(nowMs),
      );
      budget = taking.budget;
      if (isCounted) tally.statements += 1;
      Object.assign(one, {
        noted: 0,
        left: taking.granted,
        goodUntilMs: nowMs + PERMITS_TTL_MS,
        retryAtMs: taking.retryAt ? taking.retryAt.getTime() - START : 0,
      });
      if (taking.granted === 0) return false;
    }
    one.left -= 1;
    if (theirTokens >= 1) {
      theirTokens -= 1;
      one.noted += 1;
      if (isCounted) tally.accepted += 1;
      const sinceMs = one.waitingSinceMs?.shift();
      if (sinceMs !== undefined && isCounted) tally.pushWaitsMs.push(nowMs - sinceMs);
      return true;
    }
    if (isCounted) tally.refused += 1;
    budget = recordResponses(budget, { requests: one.noted + 1, slowedDown: 1, quota: null }, at(nowMs));
    Object.assign(one, { noted: 0, left: 0 });
    blockedUntilMs = nowMs + scenario.retryAfterMs;
    return false;
  };

  for (let nowMs = 0; nowMs < scenario.minutes * 60_000; nowMs += STEP_MS) {
    theirTokens = Math.min(theirTokens + (scenario.perSecond * STEP_MS) / 1_000, burst);
    pushesDue += (scenario.pushesPerSecond * STEP_MS) / 1_000;
    for (; pushesDue >= 1; pushesDue -= 1) pusher.waitingSinceMs?.push(nowMs);
    for (const one of workers) {
      // At most five in 10 ms, so that a sender without a limit stops too.
      for (
        let sent = 0;
        sent < 5 && nowMs >= blockedUntilMs && nowMs >= one.retryAtMs && one.waitingSinceMs?.length !== 0;
        sent += 1
      )
        if (!send(one, nowMs)) break;
    }
  }
  const seconds = (scenario.minutes - scenario.warmUpMinutes) * 60;
  return {
    ...tally,
    throughput: tally.accepted / seconds / scenario.perSecond,
    refusedShare: tally.refused / (tally.accepted + tally.refused),
  };
}

const scenarios = fc.record({
  perSecond: fc.double({ min: 1, max: 150, noNaN: true }),
  burstSeconds: fc.double({ min: 0.2, max: 3, noNaN: true }),
  // 30 s is what is waited where a refusal does not say.
  retryAfterMs: fc.constantFrom(0, 1_000, 5_000, 30_000),
  workers: fc.integer({ min: 1, max: 8 }),
  pushesPerSecond: fc.constant(0),
  minutes: fc.constant(12),
  warmUpMinutes: fc.constant(4),
});

describe('workers that share a budget', () => {
  it('use 60 to 100 % of the capacity of the third party, and fewer than 5 % of their requests are refused', () => {
    fc.assert(
      fc.property(scenarios, (scenario) => {
        const { throughput, refusedShare } = simulate(scenario);
        expect({
          throughput: throughput >= 0.6 && throughput <= 1.01,
          refusedShare: refusedShare < 0.05,
          figures: [throughput, refusedShare],
        }).toMatchObject({
          throughput: true,
          refusedShare: true,
        });
      }),
      { numRuns: repetitions({ quick: 4, full: 12 }) },
    );
  }, 120_000);

  it('that read everything do not starve a worker that pushes', () => {
    fc.assert(
      fc.property(scenarios, fc.double({ min: 0.05, max: 0.3, noNaN: true }), (scenario, share) => {
        const { pushWaitsMs } = simulate({
          ...scenario,
          retryAfterMs: 0,
          pushesPerSecond: scenario.perSecond * share,
        });
        const sorted = pushWaitsMs.toSorted((one, other) => one - other);
        expect(sorted.length).toBeGreaterThan(0);
        // p95
        expect(sorted[Math.floor(sorted.length * 0.95)]).toBeLessThan(5_000);
      }),
      { numRuns: repetitions({ quick: 2, full: 6 }) },
    );
  }, 120_000);

  it('query the budget at most once per 50 requests without a limit', () => {
    const { statements, accepted } = simulate({
      perSecond: 100_000,
      burstSeconds: 1,
      retryAfterMs: 0,
      workers: 4,
      pushesPerSecond: 0,
      minutes: 1,
      warmUpMinutes: 0,
    });

    expect(statements * 50).toBeLessThanOrEqual(accepted);
  });
});
