// oxlint-disable jest/no-conditional-expect -- properties have premises
/** The window: rules.md 1, 2 and 16. */
import * as fc from 'fast-check';
import { type WaitPolicy, windowAfterChange } from '../../../domain/push/debounce-window';

const MINUTE = 60_000;
const at = (minutes: number) => new Date(Date.UTC(2026, 10, 21) + minutes * MINUTE);
const policy = (graceMinutes: number, maxWaitMinutes: number | null): WaitPolicy => ({
  gracePeriodMs: graceMinutes * MINUTE,
  maxWaitMs: maxWaitMinutes === null ? null : maxWaitMinutes * MINUTE,
});

describe('rules 1 and 2: when a window is due', () => {
  it.each([
    ['a first change', null, 0, policy(5, 60), 0, 5, 'quiet'],
    ['a second change before the deadline', 0, 4, policy(5, 60), 0, 9, 'quiet'],
    ['a change after the deadline that was not claimed yet', 0, 7, policy(5, 60), 0, 12, 'quiet'],
    ['a change that would pass the maximum wait', 0, 58, policy(5, 60), 0, 60, 'max_wait'],
    ['a change whose quiet time ends with the maximum wait', 0, 55, policy(5, 60), 0, 60, 'quiet'],
    ['a change after the maximum wait (held, or paused)', 0, 90, policy(5, 60), 0, 90, 'max_wait'],
    ['a change late in the day without a maximum wait', 0, 900, policy(5, null), 0, 905, 'quiet'],
    ['a change with a grace period of 0', null, 3, policy(0, 60), 3, 3, 'quiet'],
    ['a change after the grace period was made shorter', 0, 4, policy(1, 60), 0, 5, 'quiet'],
  ] as const)('is right for %s', (_what, openedAt, now, waits, expectedOpenedAt, expectedDueAt, reason) => {
    const window = windowAfterChange(openedAt === null ? null : { openedAt: at(openedAt) }, at(now), waits);

    expect(window).toEqual({ openedAt: at(expectedOpenedAt), dueAt: at(expectedDueAt), reason });
  });

  const anyPolicy = fc.record({
    gracePeriodMs: fc.integer({ min: 0, max: 600_000 }),
    maxWaitMs: fc.option(fc.integer({ min: 1, max: 3_600_000 }), { nil: null }),
  });
  const gaps = fc.array(fc.integer({ min: 0, max: 900_000 }), { minLength: 1, maxLength: 30 });

  it('is never before the last change, never later than a grace period after it, nor past the maximum wait unless that has passed', () => {
    fc.assert(
      fc.property(anyPolicy, gaps, (waits, steps) => {
        let window = null;
        let now = at(0).getTime();
        for (const step of steps) {
          now += step;
          window = windowAfterChange(window, new Date(now), waits);
          const due = window.dueAt.getTime();
          expect(window.openedAt.getTime()).toBe(at(0).getTime() + (steps[0] as number));
          expect(due).toBeGreaterThanOrEqual(now);
          expect(due).toBeLessThanOrEqual(now + waits.gracePeriodMs);
          const latest = window.openedAt.getTime() + (waits.maxWaitMs ?? Number.POSITIVE_INFINITY);
          if (now <= latest) expect(due).toBeLessThanOrEqual(latest);
          // Earlier than quiet only because of the maximum wait, and then it says so.
          expect(window.reason === 'max_wait').toBe(now + waits.gracePeriodMs > latest);
          if (window.reason === 'quiet') expect(due).toBe(now + waits.gracePeriodMs);
        }
      }),
    );
  });

  it('is not moved earlier by a change under the same policy', () => {
    fc.assert(
      fc.property(anyPolicy, gaps, (waits, steps) => {
        let window = null;
        let now = at(0).getTime();
        for (const step of steps) {
          now += step;
          const before: Date | undefined = window?.dueAt;
          window = windowAfterChange(window, new Date(now), waits);
          expect(window.dueAt.getTime()).toBeGreaterThanOrEqual(before?.getTime() ?? 0);
        }
      }),
    );
  });
});
