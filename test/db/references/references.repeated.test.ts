/** Random graphs of references, with circles, refused records and workers that die at any point. */
import type { JsonObject } from '../../../domain/json';
import { failuresOfTrials, trialsTimeoutMs } from '../../support/property-trials';
import { Random } from '../../support/random';
import { World } from './world';

let worlds: Awaited<ReturnType<typeof World.open>>;
beforeAll(async () => {
  worlds = await World.open();
});
afterAll(() => worlds.end());

const EVERY_WAIT_MS = 16 * 60_000;

const withoutUnset = (fields: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));

async function trial(seed: number): Promise<void> {
  const random = new Random(seed);
  const world = await worlds.create();
  const people = Array.from({ length: random.between(2, 14) }, (_, at) => `p${at}`);
  const companies = Array.from({ length: random.between(1, 4) }, (_, at) => `c${at}`);
  const wanted = new Map<string, JsonObject>();
  const maybe = (field: string, ids: readonly string[], chance: number): JsonObject =>
    random.chance(chance) ? { [field]: random.pick(ids) } : {};

  const put = async (recordType: string, externalId: string): Promise<void> => {
    const name = { name: `${externalId} ${random.between(0, 99)}` };
    const friends = random.chance(0.3)
      ? { friends: random.shuffled(people).slice(0, random.between(1, 3)) }
      : {};
    const fields: JsonObject =
      recordType === 'companies'
        ? { ...name, ...maybe('owner', people, 0.5) }
        : { ...name, ...maybe('manager', people, 0.7), ...maybe('company', companies, 0.5), ...friends };
    await world.put(recordType, externalId, fields);
    wanted.set(`${recordType} ${externalId}`, fields);
  };

  const all = random.shuffled([
    ...people.map((id) => ['people', id] as const),
    ...companies.map((id) => ['companies', id] as const),
  ]);
  const bad = new Set(people.filter(() => random.chance(0.15)));
  const luck = {
    dies: () => random.chance(0.12),
    refuses: ({ externalId }: { externalId: string }) => bad.has(externalId),
  };
  for (const [recordType, id] of all) {
    await put(recordType, id);
    if (random.chance(0.3)) await world.push(luck);
  }
  for (let round = random.between(2, 8); round > 0; round -= 1) {
    world.pass(random.between(1, 20) * 60_000);
    const [recordType, id] = random.pick(all);
    if (random.chance(0.5)) await put(recordType, id);
    if (random.chance(0.3)) await world.retryFailed();
    await world.push(luck);
  }

  // In the end no worker dies, nothing is refused, and people retry what failed.
  for (let round = 0; round < 12; round += 1) {
    world.pass(EVERY_WAIT_MS);
    await world.retryFailed();
    await world.push();
  }
  expect({ seed, there: world.graphThere() }).toEqual({
    seed,
    there: Object.fromEntries(
      [...wanted].map(([key, fields]) => {
        const { owner, manager, company, ...others } = withoutUnset(fields);
        return [
          key,
          {
            ...others,
            ...(owner === undefined ? {} : { owner: { id: owner } }),
            ...(manager === undefined ? {} : { manager_id: manager }),
            ...(company === undefined ? {} : { company_id: company }),
          },
        ];
      }),
    ),
  });
  for (const [, id] of all) expect(await world.sync(id)).toMatchObject({ status: 'synced', waitsFor: null });
}

it(
  'whatever happens, in the end the app has every record with its references',
  async () => {
    expect(await failuresOfTrials('References', trial)).toBe('');
  },
  trialsTimeoutMs,
);
