/** Rule 59: what a person asks for goes before edits, these before bulk changes and backfills. */
import { sharesOfClaim } from '../../../domain/push/push-kind';

it.each([
  ['one kind alone takes everything', [0, 0, 500, 0], [0, 0, 40, 0]],
  ['what a person asked for goes first', [3, 0, 40, 0], [3, 0, 37, 0]],
  ['each kind gets a share', [40, 40, 40, 40], [25, 5, 5, 5]],
  ['few of a kind leave their share to others', [40, 1, 40, 2], [32, 1, 5, 2]],
  ['nothing is due', [0, 0, 0, 0], [0, 0, 0, 0]],
])('%s', (_title, due, shares) => {
  expect(sharesOfClaim(due, 40)).toEqual(shares);
});

it('a claim of one push, or of a few, does not always take the same kinds', () => {
  for (const limit of [1, 2, 3]) {
    const taken = [0, 0, 0, 0];
    for (let luck = 0; luck < 1; luck += 1 / 64)
      for (const [kind, share] of sharesOfClaim([limit, limit, limit, limit], limit, luck).entries())
        taken[kind] = (taken[kind] ?? 0) + share;

    expect(taken.reduce((sum, count) => sum + count)).toBe(64 * limit);
    for (const count of taken) expect(count).toBeGreaterThanOrEqual(8);
    expect(taken[0]).toBeGreaterThan(32);
  }
});

it('takes as many as are due, and never more than the limit', () => {
  for (let limit = 1; limit <= 12; limit += 1)
    for (const due of [
      [9, 9, 9, 9],
      [1, 0, 9, 1],
      [0, 2, 0, 9],
      [1, 1, 1, 1],
    ]) {
      const allDue = due.reduce((sum, count) => sum + count, 0);
      for (const luck of [0, 0.2, 0.3, 1]) {
        const shares = sharesOfClaim(due, limit, luck);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBe(Math.min(limit, allDue));
        expect(shares.every((share, kind) => share <= (due[kind] ?? 0))).toBe(true);
      }
    }
});
