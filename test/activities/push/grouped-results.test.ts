/** Results of the batches of one execution are stored in groups as they arrive (rule 60). */
import { GroupedResults } from '../../../activities/push/grouped-results';
import type { FinishedPush } from '../../../db/push/push-outcome';

const finishedPush = (pushId: string) => ({ push: { pushId } }) as FinishedPush;

/** Each group is stored once `release` is called for it. */
function givenStore() {
  const groups: string[][] = [];
  const ends: { resolve(): void; reject(error: Error): void }[] = [];
  let begun = (): void => {};
  const grouped = new GroupedResults(
    (finished) =>
      new Promise((resolve, reject) => {
        groups.push(finished.map(({ push }) => push.pushId));
        ends.push({ resolve, reject });
        begun();
      }),
  );
  /** Returns once so many groups have begun to be stored. */
  const groupsBegun = async (count: number) => {
    while (groups.length < count) await new Promise<void>((resolve) => (begun = resolve));
  };
  return { grouped, groups, ends, groupsBegun };
}

it('rule 60: what arrives while results are being stored is stored at once, all together', async () => {
  const { grouped, groups, ends, groupsBegun } = givenStore();
  const first = grouped.conclude([finishedPush('a')]);
  await groupsBegun(1);
  const one = grouped.ofBatch();
  const other = grouped.ofBatch();
  one.add(finishedPush('b'));
  other.add(finishedPush('c'));
  const second = grouped.conclude([finishedPush('d')]);
  expect(groups).toEqual([['a']]);

  ends[0]?.resolve();
  await groupsBegun(2);
  ends[1]?.resolve();
  await Promise.all([first, second]);

  expect(groups).toEqual([['a'], ['b', 'c', 'd']]);
  expect([...(await one.end())]).toEqual(['b']);
  expect([...(await other.end())]).toEqual(['c']);
});

it('a batch that ends stores itself what has not been stored, also after a failure, and nothing twice', async () => {
  const { grouped, groups, ends, groupsBegun } = givenStore();
  const batch = grouped.ofBatch();
  batch.add(finishedPush('a'));
  await groupsBegun(1);
  batch.add(finishedPush('b'));
  ends[0]?.reject(new Error('The database is away.'));
  expect([...(await batch.end())]).toEqual([]);

  const rest = grouped.conclude([finishedPush('a'), finishedPush('b')]);
  await groupsBegun(2);
  ends[1]?.resolve();
  await rest;

  expect(groups).toEqual([['a'], ['a', 'b']]);
});

it('a result that cannot be stored fails its own batch only', async () => {
  const stored: string[][] = [];
  const grouped = new GroupedResults(async (finished) => {
    const ids = finished.map(({ push }) => push.pushId);
    if (ids.includes('bad')) throw new Error('It cannot be stored.');
    stored.push(ids);
  });

  const [bad, good] = await Promise.allSettled([
    grouped.conclude([finishedPush('bad')]),
    grouped.conclude([finishedPush('good')]),
  ]);

  expect([bad.status, good.status]).toEqual(['rejected', 'fulfilled']);
  expect(stored).toEqual([['good']]);
});

it('D2: a statement that fails once costs no result', async () => {
  let tries = 0;
  const grouped = new GroupedResults(async () => {
    tries += 1;
    if (tries === 1) throw Object.assign(new Error('canceling statement'), { code: '57014' });
  });

  await expect(grouped.conclude([finishedPush('a')])).resolves.toBeUndefined();
  expect(tries).toBe(2);
});
