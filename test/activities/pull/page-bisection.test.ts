/** Finding the records that spoil a page (rules.md 51). */
import * as fc from 'fast-check';
import { withoutSpoilers } from '../../../activities/pull/page-bisection';
import type { PageToApply, PulledRecord } from '../../../db/pull/page';

const pageOf = (size: number): PageToApply =>
  ({
    records: Array.from({ length: size }, (_, index) => ({ remoteId: `r${index}` }) as PulledRecord),
    refused: [],
  }) as unknown as PageToApply;
const idsOf = (records: readonly { remoteId: string | null }[] = []) =>
  records.map(({ remoteId }) => remoteId);

async function bisect(size: number, bad: ReadonlySet<string>) {
  let attempts = 0;
  const rest = await withoutSpoilers(pageOf(size), async ({ records }) => {
    attempts += 1;
    if (records.some(({ remoteId }) => bad.has(remoteId))) throw new Error('out of range');
  });
  return { rest, attempts };
}

describe('rule 51: one bad record never stops its page', () => {
  it('refuses exactly the bad records, each with its error', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 200 }),
        fc.array(fc.nat(199), { maxLength: 20 }),
        async (size, at) => {
          const bad = new Set(at.filter((index) => index < size).map((index) => `r${index}`));
          const { rest } = await bisect(size, bad);
          expect(new Set(idsOf(rest?.refused))).toEqual(bad);
          expect(rest === undefined).toBe(bad.size === 0);
          expect(idsOf((rest ?? pageOf(size)).records)).toEqual(
            idsOf(pageOf(size).records).filter((id) => !bad.has(id ?? '')),
          );
          expect(rest?.refused[0] ?? { code: 'cannot_be_stored', message: 'out of range' }).toMatchObject({
            code: 'cannot_be_stored',
            message: expect.stringContaining('out of range'),
          });
        },
      ),
    );
  });

  it.each(['57014', '55P03', '40P01', '08006'])('blames no record for %s of the database', async (code) => {
    const error = Object.assign(new Error('The database was slow.'), { code });

    await expect(withoutSpoilers(pageOf(1), () => Promise.reject(error))).rejects.toBe(error);
  });

  it('takes few attempts for one bad record', async () => {
    expect((await bisect(1_000, new Set(['r617']))).attempts).toBeLessThanOrEqual(21);
  });

  it('gives up if the whole page is bad, after few attempts', async () => {
    const { rest, attempts } = await bisect(1_000, new Set(idsOf(pageOf(1_000).records) as string[]));
    expect(rest).toBeUndefined();
    expect(attempts).toBeLessThan(100);
  });
});
