/** When deletions wait for approval (rules.md 31). */
import * as fc from 'fast-check';
import { exceedsDeletionThreshold } from '../../../domain/pull/deletion-threshold';

describe('rule 31: the deletion threshold', () => {
  it.each([
    [false, 20, 20],
    [true, 21, 21],
    [true, 21, 209],
    [false, 21, 210],
    [false, 100, 1_000],
    [true, 101, 1_000],
    [false, 0, 0],
  ])('%s for %i of %i records', (expected, missing, before) => {
    expect(exceedsDeletionThreshold({ missing, before })).toBe(expected);
  });

  it('allows at most 20 records, or at most a tenth of the records', () => {
    fc.assert(
      fc.property(fc.nat(5_000), fc.nat(5_000), (missing, more) => {
        const before = missing + more;
        expect(exceedsDeletionThreshold({ missing, before })).toBe(missing > 20 && missing > before / 10);
      }),
    );
  });
});
