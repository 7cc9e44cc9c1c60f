/** Integrations with configurations of their own follow a definition, all tenants at once, and go back. */
import type { NewIntegration } from '../../../db/sync-runs/create-integration';
import { deleteIntegration } from '../../../db/sync-runs/delete-integration';
import type { DefinitionRules } from '../../../domain/third-parties/definition';
import { PushEnvironment, type TestTenant } from '../../support/environments/push-environment';
import { type Follower, RolloutWorld, RULES } from './rollout-world';

jest.setTimeout(900_000);

const TENANTS = 10;
const OF_EACH = 50;
const MINUTE = 60_000;
const ADOPTED: DefinitionRules = {
  ...RULES,
  parameters: { subdomain: { format: 'subdomain', example: 'acme' } },
  config: { base_url: 'https://${subdomain}.contacts.example', concurrency: 8 },
};
let environment: PushEnvironment;

beforeAll(async () => {
  environment = await PushEnvironment.create();
});
afterAll(() => environment.end());
beforeEach(() => environment.resetLedger());

const oldForm = async (
  tenant: TestTenant,
  base_url: unknown,
  { config, ...settings }: Partial<NewIntegration> = {},
): Promise<Follower> => {
  const own = { owner: tenant.tenantId, base_url, concurrency: 8, ...config };
  const integrationId = await tenant.integration({
    recordTypes: RULES.mappings,
    config: own as never,
    ...settings,
  });
  return { tenant, integrationId };
};
const changeRow = (
  { tenant, integrationId }: Follower,
  change: { needsReauthorizationAt: Date } | { config: string },
) =>
  environment.database.withTenant(tenant.tenantId, ({ trx }) =>
    trx.updateTable('integrations').set(change).where('integrationId', '=', integrationId).execute(),
  );
const adoption = { version: 2, formerVersion: null, isAdoption: true, observeMs: 0, steps: [] };

it('adopts 500 integrations of ten tenants, and gives the old form back exactly', async () => {
  const world = await RolloutWorld.create(environment, 'contacts');
  await world.version(ADOPTED);
  const tenants: TestTenant[] = [];
  const own: Follower[] = [];
  for (let count = 0; count < TENANTS; count += 1) {
    const tenant = await environment.tenant();
    tenants.push(tenant);
    for (let made = 0; made < OF_EACH; made += 1)
      own.push(await oldForm(tenant, `https://t${made}.contacts.example`));
  }
  const [tenant] = tenants as [TestTenant];
  const elsewhere = [
    await oldForm(tenant, 'https://t1.people.example'),
    await oldForm(tenant, 'https://contacts.example.people.example'),
    await oldForm(tenant, 7),
    await world.follower(),
  ];
  const before = await Promise.all([...own, ...elsewhere].map((one) => world.read(one)));

  await world.publish({ ...adoption, steps: [{ percent: 10 }] });
  expect(await world.counts()).toEqual({ planned: own.length });
  expect((await world.moves())[0]).toMatchObject({
    fromVersion: 0,
    isTried: false,
    changes: ['/third_party/parameters/subdomain', '/third_party/sign_in'],
    differences: ['/config/owner'],
    recordsTouched: null,
  });
  expect(await Promise.all([...own, ...elsewhere].map((one) => world.read(one)))).toEqual(before);

  await world.decide('approve');
  await world.sleep(MINUTE);

  expect(await world.rollout()).toMatchObject({ state: 'completed', pausedAt: null });
  expect(await world.counts()).toEqual({ changed: own.length });
  expect(await world.currentVersion()).toBe(1);
  const adopted = await Promise.all(own.map((one) => world.read(one)));
  expect(adopted).toEqual(
    before.slice(0, own.length).map((integration, index) => ({
      ...integration,
      definitionKey: 'contacts',
      definitionVersion: 2,
      definitionSignIn: 'none',
      definitionParameters: { subdomain: `t${index % OF_EACH}` },
      version: integration.version + 1,
      updatedAt: expect.any(Date),
    })),
  );
  expect(await Promise.all(elsewhere.map((one) => world.read(one)))).toEqual(before.slice(own.length));
  expect(
    await world.database.withTenant(tenant.tenantId, ({ trx }) =>
      trx.selectFrom('auditLog').select(['action', 'actor', 'detail']).limit(1).execute(),
    ),
  ).toMatchObject([
    {
      action: 'integration.changed',
      actor: 'platform',
      detail: { third_party: { key: 'contacts', version: { from: null, to: 2 } } },
    },
  ]);

  await world.decide('roll-back');
  await world.sleep(MINUTE);

  expect(await world.counts()).toEqual({ rolled_back: own.length });
  const back = await Promise.all(own.map((one) => world.read(one)));
  expect(back).toEqual(
    before.slice(0, own.length).map((integration) => ({
      ...integration,
      version: integration.version + 2,
      updatedAt: expect.any(Date),
    })),
  );
  expect([environment.ledger.checks, environment.ledger.calls]).toEqual([0, []]);
});

describe('an adoption', () => {
  let world: RolloutWorld;
  let tenant: TestTenant;
  let made = 0;
  beforeEach(async () => {
    // At a host of its own, beside the integrations of other tests.
    const host = `product-${(made += 1)}.example`;
    world = await RolloutWorld.create(environment, `product-${made}`);
    await world.version({
      ...ADOPTED,
      config: { ...ADOPTED.config, base_url: `https://\${subdomain}.${host}` },
    });
    tenant = await environment.tenant();
  });
  const here = (settings: Partial<NewIntegration> = {}, name = 'acme') =>
    oldForm(tenant, `https://${name}.product-${made}.example`, settings);

  it('includes a paused integration, one without accepted credentials, and headers of a tenant', async () => {
    const paused = await here({ isPaused: true });
    const refused = await here();
    await changeRow(refused, { needsReauthorizationAt: new Date() });
    const headers = await here({ config: { headers: { 'x-team': '7' } } });

    await world.publish({ ...adoption, isAutomatic: true });
    await world.sleep(MINUTE);

    expect(await world.rollout()).toMatchObject({ state: 'completed' });
    expect(await world.versions([paused, refused, headers])).toEqual([2, 2, 2]);
    expect(await world.read(paused)).toMatchObject({ pausedAt: expect.any(Date) });
    expect(await world.read(refused)).toMatchObject({ needsReauthorizationAt: expect.any(Date) });
    const moves = await world.moves();
    expect(moves.find(({ integrationId }) => integrationId === headers.integrationId)).toMatchObject({
      differences: ['/config/headers', '/config/owner'],
    });
  });

  it('holds back what it cannot adopt, with the reason, until it was corrected', async () => {
    const malformed = await here({ config: { owner: 7 } });
    const unnameable = await here({}, 'a_b');
    const well = await here();

    await world.publish({ ...adoption, isAutomatic: true });
    await world.sleep(MINUTE);

    expect(await world.versions([malformed, unnameable, well])).toEqual([null, null, 2]);
    const reasons = Object.fromEntries(
      (await world.moves('held_back')).map(({ integrationId, problems }) => [integrationId, problems]),
    );
    expect(reasons[malformed.integrationId]).toMatchObject([{ pointer: '/config/owner' }]);
    expect(reasons[unnameable.integrationId]).toMatchObject([
      { pointer: '/third_party/parameters/subdomain', code: 'invalid_value' },
    ]);

    await world.version({
      ...ADOPTED,
      config: { base_url: `https://\${subdomain}.product-${made}.example` },
    });
    await world.platform(({ trx }) =>
      trx
        .updateTable('thirdPartyDefinitions')
        .set({ currentVersion: 2 })
        .where('definitionKey', '=', world.key)
        .execute(),
    );
    await changeRow(malformed, {
      config: JSON.stringify({ owner: '7', base_url: `https://acme.product-${made}.example` }),
    });
    await world.decide('retry');
    await world.sleep(MINUTE);

    expect(await world.versions([malformed, unnameable])).toEqual([2, null]);
  });

  it('loses no edit of a tenant before, and keeps those since when it is rolled back', async () => {
    const [edited, moved, deleted, other] = await Promise.all([here(), here(), here(), here()]);
    await world.publish(adoption);
    const { config } = await world.read(edited);

    await world.edit(edited, { config: { ...config, concurrency: 2 } });
    await world.edit(moved, { config: { ...config, base_url: 'https://acme.people.example' } });
    await world.database.withTenant(tenant.tenantId, (work) => deleteIntegration(work, deleted));
    await world.edit(other, {
      definition: { key: world.key, version: 1, signIn: 'none', parameters: {} },
    });
    await world.decide('approve');
    await world.sleep(MINUTE);

    expect(await world.counts()).toEqual({ changed: 1, held_back: 1, gone: 2 });
    expect(await world.moves('held_back')).toMatchObject([{ problems: [{ code: 'other_address' }] }]);
    expect(await world.versions([edited, moved, other])).toEqual([2, null, 1]);

    await world.edit(edited, { config: { ...config, concurrency: 3 } });
    await world.decide('roll-back');
    await world.sleep(MINUTE);

    expect(await world.read(edited)).toMatchObject({
      definitionKey: null,
      definitionVersion: null,
      definitionSignIn: null,
      definitionParameters: null,
      config: { ...config, concurrency: 3 },
    });
    expect(await world.currentVersion()).toBe(1);
  });

  it('changes none after it was canceled', async () => {
    const followers = [await here(), await here()];
    await world.publish(adoption);
    await world.decide('cancel');
    await world.sleep(MINUTE);

    expect(await world.versions(followers)).toEqual([null, null]);
    expect(await world.rollout()).toMatchObject({ state: 'canceled' });
  });
});
