/** When changes wait for approval (rules.md 31, 53). */
import * as fc from 'fast-check';
import { BRAKE_DEFAULTS, exceedsBrake } from '../../../domain/brakes/brake';

const byDefault = BRAKE_DEFAULTS.pull_delete;

describe('rule 53: the safety threshold', () => {
  it.each([
    [false, 20, 20],
    [true, 21, 21],
    [true, 21, 209],
    [false, 21, 210],
    [false, 100, 1_000],
    [true, 101, 1_000],
    [false, 0, 0],
    [true, 21, 0],
    [true, 1_000_001, 10_000_000],
    [false, 1_000_000, 10_000_000],
  ])('by default, %s for %i of %i records', (expected, now, held) => {
    expect(exceedsBrake(byDefault, { now, earlier: 0, held })).toBe(expected);
  });

  it('counts what changed earlier in the window: a tenth every night is noticed in the second night', () => {
    expect(exceedsBrake(byDefault, { now: 100, earlier: 0, held: 1_000 })).toBe(false);
    expect(exceedsBrake(byDefault, { now: 90, earlier: 100, held: 1_000 })).toBe(true);
  });

  it('does not hold back what changes nothing, whatever changed earlier', () => {
    expect(exceedsBrake(byDefault, { now: 0, earlier: 500, held: 1_000 })).toBe(false);
  });

  it('applies exactly the share of any setting, and holds back one record more', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 99 }),
        fc.integer({ min: 1, max: 1_000 }),
        (percent, hundreds) => {
          const brake = { count: 0, share: percent / 100, windowHours: 24 };
          const [now, held] = [percent * hundreds, 100 * hundreds];
          expect(exceedsBrake(brake, { now, earlier: 0, held })).toBe(false);
          expect(exceedsBrake(brake, { now: now + 1, earlier: 0, held })).toBe(true);
        },
      ),
    );
  });

  it('applies exactly the count, whatever the share', () => {
    const brake = { count: 5, share: 0, windowHours: 24 };
    expect(exceedsBrake(brake, { now: 5, earlier: 0, held: 10 })).toBe(false);
    expect(exceedsBrake(brake, { now: 4, earlier: 2, held: 10 })).toBe(true);
  });

  it('never holds back more changes than there are records if the share is 1', () => {
    expect(exceedsBrake({ count: 0, share: 1, windowHours: 1 }, { now: 50, earlier: 0, held: 50 })).toBe(
      false,
    );
  });
});
