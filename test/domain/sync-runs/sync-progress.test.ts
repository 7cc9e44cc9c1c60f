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

it('goes on at the rate so far', () => {
  expect(estimateEnd(AT_WORK, after(10_000))).toEqual(after(40_000));
});

it.each<[string, Partial<ProgressFacts>]>([
  ['was not begun', { startedAt: null }],
  ['has ended', { isFinished: true }],
  ['waits', { isWaiting: true }],
  ['has read nothing yet', { recordsRead: 0 }],
  ['does not know how much is left', { recordsLeft: null }],
  ['has read everything and is deleting or counting', { recordsLeft: 0 }],
])('tells no end of a run that %s', (_name, change) => {
  expect(estimateEnd({ ...AT_WORK, ...change }, after(10_000))).toBeNull();
});

it('never tells an end that is past, and a later one the longer nothing comes', () => {
  fc.assert(
    fc.property(
      fc.record({
        recordsRead: fc.integer({ min: 1, max: 1e7 }),
        recordsLeft: fc.integer({ min: 1, max: 1e7 }),
      }),
      fc.integer({ min: 1, max: 1e9 }),
      fc.integer({ min: 1, max: 1e9 }),
      (counts, elapsed, more) => {
        const soon = estimateEnd({ ...AT_WORK, ...counts }, after(elapsed)) as Date;
        const later = estimateEnd({ ...AT_WORK, ...counts }, after(elapsed + more)) as Date;

        expect(soon.getTime()).toBeGreaterThan(after(elapsed).getTime());
        expect(later.getTime()).toBeGreaterThan(soon.getTime());
      },
    ),
  );
});
