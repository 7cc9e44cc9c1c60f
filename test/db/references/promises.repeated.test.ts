/** Random graphs there, read in any order, in several runs, by workers that die between two steps. */
import type { JsonObject } from '../../../domain/json';
import { failuresOfTrials, trialsTimeoutMs } from '../../support/property-trials';
import { Random } from '../../support/random';
import { openTestDb, type TestDb } from '../given';
import { PullWorld } from './pull-world';

let db: TestDb;
beforeAll(async () => {
  db = await openTestDb();
});
afterAll(() => db.end());

async function trial(seed: number): Promise<void> {
  const random = new Random(seed);
  const world = await PullWorld.create(db, random.pick(['pull', 'both'] as const));
  const people = Array.from({ length: random.between(2, 16) }, (_, at) => `p${at}`);
  const companies = Array.from({ length: random.between(1, 4) }, (_, at) => `c${at}`);
  const all = [
    ...people.map((id) => ({ type: 'people', id })),
    ...companies.map((id) => ({ type: 'companies', id })),
  ];
  const there = new Map<string, JsonObject>();
  const change = ({ type, id }: { type: string; id: string }): void => {
    const name = `${id} ${random.between(0, 99)}`;
    const oneOf = (ids: readonly string[], chance: number) =>
      random.chance(chance) ? random.pick(ids) : null;
    const friends = random.chance(0.3) ? random.shuffled(people).slice(0, 2) : null;
    there.set(
      id,
      type === 'companies'
        ? { name }
        : { name, manager_id: oneOf(people, 0.7), company: { id: oneOf(companies, 0.5) }, friends },
    );
  };
  for (const one of all) change(one);

  const run = (shown: typeof all, skipsSettling: boolean) => {
    const size = random.between(1, 5);
    const pages = ['people', 'companies'].flatMap((type) => {
      const ofType = random.shuffled(shown.filter((one) => one.type === type));
      return Array.from({ length: Math.ceil(ofType.length / size) }, (_, page) => ({
        type,
        records: ofType
          .slice(page * size, (page + 1) * size)
          .map(({ id }) => [id, there.get(id) ?? {}] as [string, JsonObject]),
      }));
    });
    return world.run(random.chance(0.5) ? random.shuffled(pages) : pages, { skipsSettling });
  };
  const known = new Set<string>();
  for (let round = random.between(1, 4); round > 0; round -= 1) {
    for (const { id } of all) if (random.chance(0.5)) known.add(id);
    for (const one of all) if (random.chance(0.2)) change(one);
    await run(
      all.filter(({ id }) => known.has(id)),
      random.chance(0.5),
    );
  }
  await run(all, random.chance(0.5));

  const ours = await world.fields();
  const prefix = (await world.idOf('x')).slice(0, -1);
  const theirs = (id: unknown) => (typeof id === 'string' ? id.slice(prefix.length) : null);
  const shown = Object.fromEntries(
    Object.entries(ours).map(([id, { name, manager, company, friends }]) => [
      id,
      id.startsWith('c')
        ? { name }
        : {
            name,
            manager_id: theirs(manager),
            company: { id: theirs(company) },
            friends: Array.isArray(friends) ? friends.map(theirs) : null,
          },
    ]),
  );
  expect({ seed, shown }).toEqual({ seed, shown: Object.fromEntries(there) });
  expect(await world.promises()).toEqual([]);
}

it(
  'in whatever order records arrive, in the end ours refer to each other as theirs do',
  async () => {
    expect(await failuresOfTrials('Promises', trial)).toBe('');
  },
  trialsTimeoutMs,
);
