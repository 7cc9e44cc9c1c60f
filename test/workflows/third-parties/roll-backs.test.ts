/** What a rollback leaves as it is, because its rollout has not put it there. */
import type { NewIntegration } from '../../../db/sync-runs/create-integration';
import { updateMove } from '../../../db/third-parties/rollout-integrations';
import type { DefinitionRules } from '../../../domain/third-parties/definition';
import { PushEnvironment } from '../../support/environments/push-environment';
import { type Follower, RolloutWorld, RULES } from './rollout-world';

jest.setTimeout(900_000);

const MINUTE = 60_000;
const AT_ONCE = { steps: [], observeMs: 0, isAutomatic: true };
let environment: PushEnvironment;
let world: RolloutWorld;
let adopted: DefinitionRules;
let made = 0;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(async () => {
  environment.resetLedger();
  world = await RolloutWorld.create(environment, `product-${(made += 1)}`);
  adopted = { ...RULES, config: { base_url: `https://product-${made}.example`, concurrency: 8 } };
  await world.version(adopted);
});

async function oldForm(settings: Partial<NewIntegration> = {}): Promise<Follower> {
  const tenant = await environment.tenant();
  const config = { ...adopted.config, owner: tenant.tenantId };
  const integrationId = await tenant.integration({ recordTypes: RULES.mappings, config, ...settings });
  return { tenant, integrationId };
}
async function publish(input: Parameters<typeof world.publish>[0]): Promise<string> {
  await world.publish({ ...AT_ONCE, ...input });
  await world.sleep(MINUTE);
  return world.rolloutId;
}
async function rollBack(rolloutId: string) {
  world.rolloutId = rolloutId;
  const decided = await world.decide('roll-back');
  await world.sleep(MINUTE);
  return decided;
}
const adoption = { version: 2, formerVersion: null, isAdoption: true };

it('the definition that a person has chosen since its adoption', async () => {
  const [chosen, edited, chosenBefore] = await Promise.all([oldForm(), oldForm(), oldForm()]);
  const use = { key: world.key, version: 2, signIn: 'none', parameters: {} };
  await world.edit(chosenBefore, { definition: use });
  await world.edit(chosenBefore, { definition: null });
  const rolloutId = await publish(adoption);
  expect(await world.versions([chosen, edited, chosenBefore])).toEqual([2, 2, 2]);

  await world.edit(chosen, { definition: use });
  const { config } = await world.read(edited);
  await world.edit(edited, { config: { ...config, concurrency: 3 } });
  await rollBack(rolloutId);

  expect(await world.versions([chosen, edited, chosenBefore])).toEqual([2, null, null]);
  expect(await world.read(edited)).toMatchObject({ config: { concurrency: 3 } });
  expect(await world.moves('gone')).toMatchObject([
    { integrationId: chosen.integrationId, problems: [{ code: 'chosen_since' }] },
  ]);
});

it('what a later rollout has moved to the version of an adoption', async () => {
  const follower = await oldForm();
  const first = await publish(adoption);
  await world.version({ ...adopted, config: { ...adopted.config, concurrency: 4 } });
  await publish({ version: 3, formerVersion: 1 });
  const last = await publish({ version: 2, formerVersion: 3 });
  expect(await world.versions([follower])).toEqual([2]);

  await rollBack(first);
  expect([await world.counts(), await world.versions([follower])]).toEqual([{ gone: 1 }, [2]]);

  await rollBack(last);
  expect(await world.versions([follower])).toEqual([3]);
});

it('what a later rollout, which was canceled, has moved to the same version', async () => {
  const followers = await world.followers(2);
  const concurrency = (value: number) => ({ config: { concurrency: value } });
  await world.version(concurrency(4));
  await world.version(concurrency(2));
  const first = await publish({ version: 3, formerVersion: 1 });
  await publish({ version: 4, formerVersion: 3 });
  await publish({ version: 3, formerVersion: 4, steps: [{ integrations: 1 }], observeMs: 600_000 });
  await world.decide('cancel');
  expect(new Set(await world.versions(followers))).toEqual(new Set([3, 4]));

  await rollBack(first);

  expect(new Set(await world.versions(followers))).toEqual(new Set([3, 4]));
  expect(await world.currentVersion()).toBe(4);
});

it('what a later rollout has moved to the same version, and could not roll back', async () => {
  const follower = await world.follower();
  await world.version({ config: { concurrency: 4 } });
  await world.version({ config: { concurrency: 2 } });
  const first = await publish({ version: 3, formerVersion: 1 });
  await publish({ version: 4, formerVersion: 3 });
  const rolloutId = await publish({ version: 3, formerVersion: 4 });
  await world.platform(({ trx }) =>
    trx
      .updateTable('definitionRollouts')
      .set({ state: 'rolled_back' })
      .where('rolloutId', '=', rolloutId)
      .execute(),
  );
  const { tenant, integrationId } = follower;
  await world.database.withTenant(tenant.tenantId, (work) =>
    updateMove(work, { rolloutId, integrationId }, { state: 'not_rolled_back' }),
  );

  await rollBack(first);

  expect([await world.counts(), await world.versions([follower])]).toEqual([{ gone: 1 }, [3]]);
});

it('a version that was published again: its last rollout is the one to roll back', async () => {
  const follower = await world.follower();
  await world.version({ config: { concurrency: 4 } });
  await world.version({ config: { concurrency: 2 } });
  const first = await publish({ version: 3, formerVersion: 1 });
  await publish({ version: 4, formerVersion: 3 });
  const last = await publish({ version: 3, formerVersion: 4 });

  expect(await rollBack(first)).toEqual({ outcome: 'published_again', rolloutId: last });
  expect([await world.currentVersion(), await world.versions([follower])]).toEqual([3, [3]]);

  await rollBack(last);
  expect([await world.currentVersion(), await world.versions([follower])]).toEqual([4, [4]]);
});
