import { type Accounted, assertAccountedFor } from '../../../domain/pull/accounting';

const PAGE: Accounted = { read: 15, new: 1, changed: 2, unchanged: 3, failed: 4, heldBack: 5 };

describe('rule 51: A19: the records of a page', () => {
  it('are accounted for if each is new, changed, unchanged, failed or held back', () => {
    expect(() => assertAccountedFor(PAGE)).not.toThrow();
  });

  it.each(Object.keys(PAGE) as (keyof Accounted)[])(
    'are not stored if one too many or too few is counted as %s',
    (kind) => {
      for (const one of [1, -1])
        expect(() => assertAccountedFor({ ...PAGE, [kind]: PAGE[kind] + one })).toThrow(/not accounted for/);
    },
  );
});
