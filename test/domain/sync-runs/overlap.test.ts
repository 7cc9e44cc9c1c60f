import { learnOverlap, overlapMs } from '../../../domain/sync-runs/overlap';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const NOW = new Date('2026-11-29T10:00:00Z');
const NOTHING = { learnedOverlapMs: null, learnedOverlapAt: null };
const before = (ms: number) => new Date(NOW.getTime() - ms);

describe('rule 52: the overlap of incremental runs', () => {
  it.each<[string, number | null, number | null, number, number]>([
    ['is two minutes if nothing is known', null, null, 0, 2 * MINUTE],
    ['is the setting, if there is one', 0, 90 * MINUTE, 0, 0],
    ['is what was learned within a week', null, 90 * MINUTE, 6 * DAY, 90 * MINUTE],
    ['is two minutes after a week without late changes', null, 90 * MINUTE, 8 * DAY, 2 * MINUTE],
  ])('%s', (_title, minutes, learnedOverlapMs, agoMs, expected) => {
    const learned = { learnedOverlapMs, learnedOverlapAt: learnedOverlapMs === null ? null : before(agoMs) };

    expect(overlapMs(minutes, learned, NOW)).toBe(expected);
  });

  it.each<[string, number[], number | undefined]>([
    ['nothing from changes after the watermark', [-1, -MINUTE], undefined],
    ['nothing from what two minutes cover', [MINUTE], undefined],
    ['nothing from changes that are later than a day', [25 * 60 * MINUTE], undefined],
    ['from the latest change', [5 * MINUTE, 40 * MINUTE, 2 * DAY, -MINUTE], 60 * MINUTE],
  ])('learns %s', (_title, lateMs, expected) => {
    const learned = learnOverlap(NOTHING, NOW, lateMs.map(before), NOW);

    expect(learned?.learnedOverlapMs).toBe(expected);
  });

  it('keeps the longer one for a week, and then the new one', () => {
    const late = [before(20 * MINUTE)];
    const learned = (agoMs: number) =>
      learnOverlap({ learnedOverlapMs: 90 * MINUTE, learnedOverlapAt: before(agoMs) }, NOW, late, NOW);

    expect(learned(DAY)).toEqual({ learnedOverlapMs: 90 * MINUTE, learnedOverlapAt: NOW });
    expect(learned(8 * DAY)).toEqual({ learnedOverlapMs: 30 * MINUTE, learnedOverlapAt: NOW });
  });
});
