/** One edit of a definition reaches 500 tenants, and the one that it would hurt is held back. */
import { PushEnvironment } from '../../support/environments/push-environment';
import { type Follower, NAME_AND_EMAIL, RolloutWorld, RULES } from './rollout-world';

jest.setTimeout(900_000);

const TENANTS = 500;
const HOUR = 3_600_000;
let environment: PushEnvironment;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());

it('moves 499 tenants, and holds back the one whose own setting contradicts the new version', async () => {
  const world = await RolloutWorld.create(environment, 'contacts');
  await world.version({
    config: { concurrency: 4 },
    mappings: {
      employees: { direction: 'push', onDelete: 'deactivate', fields: [{ name: 'name', to: 'full_name' }] },
    },
  });
  const followers = await world.followers(TENANTS);
  const special = followers[123] as Follower;
  // It finds its records by a field that the new version does not have any more.
  const own = { employees: { ...RULES.mappings.employees, fields: NAME_AND_EMAIL, matchBy: 'email' } };
  await world.edit(special, { recordTypes: own as never });

  await world.publish({ steps: [{ integrations: 1 }, { percent: 1 }, { percent: 10 }] });
  expect(await world.counts()).toEqual({ planned: TENANTS - 1, held_back: 1 });
  expect(await world.moves('held_back')).toMatchObject([
    {
      tenantId: special.tenant.tenantId,
      problems: [{ pointer: '/record_types/employees/match_by', code: 'not_mapped' }],
    },
  ]);

  await world.decide('approve');
  const changed = async (): Promise<number> => (await world.counts()).changed ?? 0;
  const afterEachStep = [await changed()];
  while ((await world.rollout()).state === 'running' && afterEachStep.length < 10) {
    await world.sleep(HOUR / 5);
    afterEachStep.push(await changed());
  }

  expect([...new Set(afterEachStep)]).toEqual([1, 5, 50, 499]);
  expect(await world.rollout()).toMatchObject({ state: 'completed', pausedAt: null });
  const versions = await world.versions(followers);
  expect(versions.filter((version) => version === 2)).toHaveLength(TENANTS - 1);
  expect(await world.read(special)).toMatchObject({
    definitionVersion: 1,
    recordTypes: { employees: { fields: NAME_AND_EMAIL, matchBy: 'email' } },
  });

  // The tenant no longer needs its own setting, and the operator tries again.
  await world.edit(special, { recordTypes: RULES.mappings });
  await world.decide('retry');
  await world.sleep(HOUR);

  expect(await world.versions([special])).toEqual([2]);
  expect(await world.counts()).toEqual({ changed: TENANTS });
});
