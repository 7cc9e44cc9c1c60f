// oxlint-disable jest/no-conditional-expect -- properties have premises
import * as fc from 'fast-check';
import { estimateEnd, type ProgressFacts } from '../../../domain/sync-runs/sync-progress';

const START = new Date('2026-11-21T10:00:00Z');
const after = (ms: number) => new Date(START.getTime() + ms);
const AT_WORK: ProgressFacts = {
  startedAt: START,
  isFinished: false,
  isWaiting: false,
  recordsRead: 1_000,
  recordsLeft: 3_000,
};

it('extrapolates the rate so far', () => {
  expect(estimateEnd(AT_WORK, after(10_000))).toEqual(after(40_000));
});

it.each<[string, Partial<ProgressFacts>]>([
  ['was not started', { startedAt: null }],
  ['has ended', { isFinished: true }],
  ['waits for the third party', { isWaiting: true }],
  ['has read nothing yet', { recordsRead: 0 }],
  ['has an unknown number of records left', { recordsLeft: null }],
  ['has read everything and is deleting or counting', { recordsLeft: 0 }],
])('gives no estimate for a run that %s', (_name, change) => {
  expect(estimateEnd({ ...AT_WORK, ...change }, after(10_000))).toBeNull();
});

it('gives no estimate further away than a year', () => {
  const YEAR = 365 * 86_400_000;
  const facts = (recordsLeft: number) => ({ ...AT_WORK, recordsRead: 1, recordsLeft });

  expect(estimateEnd(facts(365), after(86_400_000))).toEqual(after(86_400_000 + YEAR));
  expect(estimateEnd(facts(366), after(86_400_000))).toBeNull();
  expect(estimateEnd(facts(1e7), after(1e9))).toBeNull(); // the sum is past the last instant of a Date
});

it('never estimates a time in the past or an invalid date, and moves the estimate back while nothing is read', () => {
  fc.assert(
    fc.property(
      fc.record({
        recordsRead: fc.integer({ min: 1, max: 1e7 }),
        recordsLeft: fc.integer({ min: 1, max: 1e7 }),
      }),
      fc.integer({ min: 1, max: 1e9 }),
      fc.integer({ min: 1, max: 1e9 }),
      (counts, elapsed, more) => {
        const soon = estimateEnd({ ...AT_WORK, ...counts }, after(elapsed));
        const later = estimateEnd({ ...AT_WORK, ...counts }, after(elapsed + more));

        expect(soon?.toISOString()).not.toBe('');
        expect(soon?.getTime() ?? Infinity).toBeGreaterThan(after(elapsed).getTime());
        expect(later?.getTime() ?? Infinity).toBeGreaterThanOrEqual(soon?.getTime() ?? Infinity);
        if (later !== null) expect(later.getTime()).toBeGreaterThan((soon as Date).getTime());
      },
    ),
  );
});
