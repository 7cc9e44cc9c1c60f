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

it('takes as many as are due, and never more than the limit', () => {
  for (let limit = 1; limit <= 12; limit += 1)
    for (const due of [
      [9, 9, 9, 9],
      [1, 0, 9, 1],
      [0, 2, 0, 9],
      [1, 1, 1, 1],
    ]) {
      const taken = sharesOfClaim(due, limit).reduce((sum, share) => sum + share, 0);
      expect(taken).toBe(
        Math.min(
          limit,
          due.reduce((sum, count) => sum + count, 0),
        ),
      );
    }
});
