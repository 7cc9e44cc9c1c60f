import { expectProblem, type GivenTenant, type Service, startService } from '../support/service';
import { givenDefinition } from './definition-given';
import { givenRollout, givenState } from './rollout-given';

const BASE = '/v1/platform/third-party-definitions';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
  tenant = await service.givenTenant();
});
afterAll(() => service.close());

describe('a rollout', () => {
  it('is created by the platform alone, one at a time for each definition', async () => {
    const path = await givenRollout(service);
    const list = path.slice(0, path.lastIndexOf('/'));

    const shown = await service.platform.get(path);
    expect(shown.body).toMatchObject({
      version: 2,
      former_version: 1,
      state: 'planning',
      steps: [{ integrations: 1 }, { percent: 1 }, { percent: 10 }],
      observe_seconds: 3_600,
      stop_after_failures: 1,
      integrations: { found: 0, planned: 0, changed: 0 },
    });
    const second = await service.platform.post(list, { version: 2 });
    expectProblem(second, 409, 'rollout_in_progress');
    expect(second.body.context).toEqual({ rollout_id: shown.body.id });
    expect((await service.platform.get(list)).body.data).toMatchObject([{ id: shown.body.id }]);
    expect((await service.platform.get(`${path}/integrations?state=held_back`)).body.data).toEqual([]);
    expectProblem(await service.platform.post(list, { version: 9 }), 422, 'unknown_definition');
    expectProblem(
      await service.platform.post(`${BASE}/none/rollouts`, { version: 1 }),
      404,
      'definition_not_found',
    );
    const heads = await service.platform.get(`${BASE}?limit=200`);
    expect(heads.body.data).toContainEqual(
      expect.objectContaining({ current_version: 1, latest_version: 2, rollout_id: shown.body.id }),
    );
    expect((await tenant.admin.post(list, { version: 2 })).status).toBe(403);
    expect((await tenant.admin.get(path)).status).toBe(403);
  });

  it('that stopped by itself is listed and counted until a person has decided', async () => {
    const path = await givenRollout(service, {
      state: 'running',
      pausedAt: new Date(),
      pausedBecause: 'failures',
    });
    const [key, id] = [path.split('/').at(-3), path.split('/').at(-1)];
    const listed = async () => (await service.platform.get('/v1/platform/stopped-rollouts')).body.data;
    const head = async () =>
      (await service.platform.get(`${BASE}?limit=200`)).body.data.find(
        (one: { key: string }) => one.key === key,
      );
    const counted = async () =>
      /^syncline_stopped_rollouts (\d+)$/m.exec(await service.dependencies.metrics.registry.metrics())?.[1];

    expect(await listed()).toEqual([{ id, definition_key: key, version: 2, stopped_at: expect.any(String) }]);
    expect(await head()).toMatchObject({ rollout_id: id, rollout_paused_because: 'failures' });
    expect(await counted()).toBe('1');
    expect((await tenant.admin.get('/v1/platform/stopped-rollouts')).status).toBe(403);

    await service.platform.post(`${path}/resume`).expect(200);

    expect(await listed()).toEqual([]);
    expect(await head()).toMatchObject({ rollout_paused_because: null });
    expect(await counted()).toBe('0');
  });

  it('may let integrations without a definition adopt one', async () => {
    const path = await givenRollout(service, { state: 'canceled', finishedAt: new Date() });
    const list = path.slice(0, path.lastIndexOf('/'));

    const created = await service.platform.post(list, { version: 2, adopt: true, steps: [] }).expect(201);

    expect(created.body).toMatchObject({ version: 2, adopt: true, former_version: null, steps: [] });
    expect((await service.platform.get(path)).body.adopt).toBe(false);
    expectProblem(await service.platform.post(list, { version: 2 }), 409, 'rollout_in_progress');
  });

  it('is found below its own definition only', async () => {
    const path = await givenRollout(service);
    const elsewhere = path.replace(/product-\d+/, 'contacts');

    expectProblem(await service.platform.get(elsewhere), 404, 'rollout_not_found');
    expectProblem(await service.platform.get(`${elsewhere}/integrations`), 404, 'rollout_not_found');
    expectProblem(await service.platform.post(`${elsewhere}/cancel`), 404, 'rollout_not_found');
  });

  it('begins only after its dry run, and continues only after a pause', async () => {
    const path = await givenRollout(service);
    expectProblem(await service.platform.post(`${path}/approve`), 409, 'rollout_not_possible');
    await givenState(service, path.split('/').at(-1) as string, { state: 'planned' });

    const approved = await service.platform.post(`${path}/approve`);
    expect(approved.body).toMatchObject({ state: 'running', approved_by: 'platform' });
    expectProblem(await service.platform.post(`${path}/resume`), 409, 'rollout_not_possible');
    expect((await service.platform.post(`${path}/pause`)).body.paused_because).toBe('requested');
    expectProblem(await service.platform.post(`${path}/pause`), 409, 'rollout_not_possible');
    expect((await service.platform.post(`${path}/resume`)).body.paused_at).toBeNull();
    expect((await service.platform.post(`${path}/cancel`)).body).toMatchObject({ state: 'canceled' });
    expect((await service.platform.post(`${path}/roll-back`)).body).toMatchObject({
      state: 'rolling_back',
      finished_at: null,
    });
  });

  it('that is rolled back gives new integrations the former version at once', async () => {
    const path = await givenRollout(service);
    const [, key] = /third-party-definitions\/([^/]+)/.exec(path) as unknown as [string, string];
    await givenState(service, path.split('/').at(-1) as string, {
      state: 'completed',
      finishedAt: new Date(),
    });
    await service.database.withTenant('00000000-0000-0000-0000-000000000000', ({ trx }) =>
      trx
        .updateTable('thirdPartyDefinitions')
        .set({ currentVersion: 2 })
        .where('definitionKey', '=', key)
        .execute(),
    );
    expect((await tenant.viewer.get(`/v1/third-party-definitions/${key}`)).body.version).toBe(2);

    await service.platform.post(`${path}/roll-back`).expect(200);

    expect((await tenant.viewer.get(`/v1/third-party-definitions/${key}`)).body.version).toBe(1);
  });
});

describe('an integration without a definition', () => {
  const OLD_FORM = {
    connector: 'rest',
    config: {
      app: 'Contacts',
      base_url: 'https://acme.eu.contacts.example',
      check: { path: '/ping' },
      auth: { type: 'basic' },
      concurrency: 2,
      record_types: (givenDefinition().config as { record_types: object }).record_types,
    },
    record_types: { contacts: { direction: 'push', on_delete: 'delete', fields: [{ name: 'a', to: 'b' }] } },
    is_paused: true,
  };
  const adopt = async (third_party: object) => {
    const linked = await tenant.admin.post('/v1/integrations?check=false', OLD_FORM).expect(201);
    const one = `/v1/integrations/${linked.body.id}`;
    return { linked, one, response: await tenant.admin.patch(one, { third_party }).set('If-Match', '"1"') };
  };

  beforeAll(async () => {
    await service.platform.post(BASE, givenDefinition()).expect(201);
  });

  it('follows one from now on and keeps its settings as differences', async () => {
    const { linked, one, response } = await adopt({ key: 'contacts', parameters: { subdomain: 'acme' } });

    expect(response.status).toBe(200);
    expect(response.body).toMatchObject({
      config: linked.body.config,
      record_types: linked.body.record_types,
      third_party: { key: 'contacts', version: 1, sign_in: 'password', parameters: { subdomain: 'acme' } },
    });
    const { body } = await tenant.viewer.get(`${one}/differences`);
    expect(body.differences.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
      '/config/concurrency',
      '/record_types/contacts/fields',
    ]);
    const users = await service.platform.get(`${BASE}/contacts/integrations`);
    expect(users.body.data).toContainEqual(expect.objectContaining({ integration_id: linked.body.id }));
  });

  it.each([
    ['no key', { parameters: {} }, 422, 'invalid_settings'],
    ['an unknown definition', { key: 'none' }, 422, 'unknown_definition'],
    ['a missing parameter', { key: 'contacts' }, 422, 'invalid_settings'],
    [
      'another way to sign in than the definition has',
      { key: 'contacts', sign_in: 'magic', parameters: { subdomain: 'acme' } },
      422,
      'invalid_settings',
    ],
  ])('is not changed by %s', async (_what, third_party, status, code) => {
    const { one, response } = await adopt(third_party);

    expectProblem(response, status, code);
    expect((await tenant.viewer.get(one)).body.third_party).toBeNull();
  });

  it('may not have a person pick an account, which would have no effect', async () => {
    const auth = {
      type: 'oauth2_authorization_code',
      app_id: 'oap_01jd0000000000000000000000',
      authorization_url: 'https://acme.eu.contacts.example/authorize',
      token_url: 'https://acme.eu.contacts.example/token',
      accounts: { url: 'https://acme.eu.contacts.example/list', id: '/id', parameter: 'company' },
    };
    const config = { ...OLD_FORM.config, auth };
    const { one } = await adopt({ key: 'contacts', parameters: { subdomain: 'acme' } });

    const linked = await tenant.admin.post('/v1/integrations?check=false', { ...OLD_FORM, config });
    const changed = await tenant.admin.patch(`${one}?check=false`, { config }).set('If-Match', '"2"');

    for (const refused of [linked, changed]) {
      expectProblem(refused, 422, 'invalid_config');
      expect(refused.body.errors).toMatchObject([{ pointer: '/config/auth/accounts/parameter' }]);
    }
    expect([linked.body.errors[0].message, changed.body.errors[0].message]).toEqual([
      expect.stringContaining('Link the app with a definition'),
      expect.stringContaining('The definition has no such parameter'),
    ]);
  });

  it('that follows a definition does not change to another one', async () => {
    const { one } = await adopt({ key: 'contacts', parameters: { subdomain: 'acme' } });

    const refused = await tenant.admin.patch(one, { third_party: { key: 'slack' } }).set('If-Match', '"2"');

    expectProblem(refused, 422, 'invalid_settings');
  });
});
