/** The address for webhooks of an app: who may have it, what a call needs, and what it leaves behind. */
import supertest from 'supertest';
import { toTypeId } from '../../../db/sql/ids';
import { givenConnected } from '../support/app-webhooks';
import {
  callIncoming,
  givenIncoming,
  type Incoming,
  signatureOf,
  WEBHOOK_SECRET,
  WEBHOOKS,
  withWebhooks,
} from '../support/incoming';
import {
  eventually,
  expectProblem,
  givenIntegration,
  type GivenTenant,
  type Service,
  startService,
} from '../support/service';

let service: Service;
let tenant: GivenTenant;
let incoming: Incoming;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.close());
beforeEach(async () => {
  tenant = await service.givenTenant();
  incoming = await givenIncoming(tenant);
});

const call = (ids: string[], path = incoming.path) =>
  callIncoming(service.app, path, JSON.stringify({ events: ids.map((id) => ({ id })) }));
const waiting = () =>
  service.database.withTenant(tenant.uuid, async ({ trx }) =>
    (await trx.selectFrom('incomingChanges').selectAll().orderBy('remoteId').execute()).map(
      ({ recordType, remoteId }) => `${recordType} ${remoteId}`,
    ),
  );
const shown = async () => (await tenant.admin.get(`/v1/integrations/${incoming.id}/incoming-webhooks`)).body;

it('a verified call is noted, and each record once', async () => {
  const response = await call(['c2', 'c1', 'c2']);
  await call(['c1', 'c3']);

  expect([response.status, response.text]).toEqual([200, '']);
  expect(await waiting()).toEqual(['contacts c1', 'contacts c2', 'contacts c3']);
  expect(await shown()).toMatchObject({
    record_types: ['contacts'],
    has_secret: true,
    received_at: expect.any(String),
    refused_at: null,
  });
});

it('a call that proves nothing is refused without detail, and the admin sees that there was one', async () => {
  const wrong = await callIncoming(service.app, incoming.path, '{}', signatureOf('{}', 'another-secret'));
  expectProblem(wrong, 401, 'incoming_call_refused');
  const unknown = await call(['c1'], `/v1/incoming/${'A'.repeat(43)}`);
  expectProblem(unknown, 401, 'incoming_call_refused');
  expect({ ...unknown.body, request_id: '' }).toEqual({ ...wrong.body, request_id: '' });
  expectProblem(await supertest(service.app).get(incoming.path), 401, 'incoming_call_refused');

  expect(await waiting()).toEqual([]);
  expect(await shown()).toMatchObject({ received_at: null, refused_at: expect.any(String) });
});

it('a question whether the address is ours is answered, and proves nothing', async () => {
  const response = await supertest(service.app).get(incoming.path).set('X-Challenge', 'are-you-there');

  expect([response.status, response.text]).toEqual([200, 'are-you-there']);
  expect(await shown()).toMatchObject({ received_at: null, refused_at: null });
});

it('a new address ends the one before it, and keeps the secret', async () => {
  const { body } = await tenant.admin
    .post(`/v1/integrations/${incoming.id}/incoming-webhooks/address`)
    .expect(201);

  expectProblem(await call(['c1']), 401);
  expect((await call(['c1'], new URL(body.address).pathname)).status).toBe(200);
});

it('the address and the secret are not shown again, and are in no log', async () => {
  await call(['c1']);
  await eventually(async () => expect(service.logged.join('')).toContain('request'));

  const token = incoming.path.split('/').at(-1) as string;
  const seen = [JSON.stringify(await shown()), service.logged.join('')].join('');
  expect(seen).not.toContain(token);
  expect(seen).not.toContain(WEBHOOK_SECRET);
  const rows = await service.database.withTenant(tenant.uuid, ({ trx }) =>
    trx.selectFrom('incomingAddresses').selectAll().execute(),
  );
  expect(JSON.stringify(rows)).not.toContain(WEBHOOK_SECRET);
});

it('everyone sees whether webhooks arrive, and only admins change where to', async () => {
  const path = `/v1/integrations/${incoming.id}/incoming-webhooks`;

  expect((await tenant.viewer.get(path).expect(200)).body).toEqual(await shown());
  await tenant.operator.post(`${path}/address`).expect(403);
  await tenant.operator.put(`${path}/secret`, { secret: WEBHOOK_SECRET }).expect(403);
});

it('a deleted integration takes no call', async () => {
  await tenant.admin.delete(`/v1/integrations/${incoming.id}`).expect(204);

  expectProblem(await call(['c1']), 401);
});

it('a body above one megabyte is refused before it is read', async () => {
  const body = 'x'.repeat(1_024 * 1_024 + 1);
  expectProblem(await callIncoming(service.app, incoming.path, body), 413, 'body_too_large');
});

it('beyond five thousand waiting records, the record type is read as a whole', async () => {
  const ids = Array.from({ length: 1_000 }, (_, index) => `c${index}`);
  for (let round = 0; round < 6; round += 1) await call(ids.map((id) => `${id}-${round}`));

  const all = await waiting();
  expect(all).toHaveLength(5_001);
  expect(all).toContain('contacts ');
});

it('a name that PostgreSQL could not store is no name', async () => {
  expect((await call(['\u0000', 'c\ud800', 'a'.repeat(600)])).status).toBe(200);

  expect(await waiting()).toEqual(['contacts ']);
});

it('an integration without a description of webhooks has no address', async () => {
  const { id } = await givenIntegration(tenant);

  expectProblem(
    await tenant.admin.post(`/v1/integrations/${id}/incoming-webhooks/address`),
    422,
    'webhooks_not_described',
  );
});

describe('where the app has one secret for the webhooks of all its accounts', () => {
  const settings = () => {
    const given = withWebhooks('https://crm.example.com');
    const config = given['config'] as Record<string, unknown>;
    const create = [{ path: '/hooks', body: { url: '{address}' } }];
    const subscription = { secret: 'given', create, id: '/id', lifetime_minutes: 360 };
    return { ...given, config: { ...config, webhooks: { ...WEBHOOKS, subscription } } };
  };
  const given = async (isWithSecret: boolean) => {
    const origins = ['https://crm.example.com'];
    const made = { name: 'CRM', client_id: 'syncline', allowed_origins: origins };
    const { body: app } = await service.platform.post('/v1/platform/oauth-apps', made).expect(201);
    const route = `/v1/platform/oauth-apps/${app.id}`;
    if (isWithSecret)
      await service.platform
        .patch(route, { webhook_secret: WEBHOOK_SECRET })
        .set('If-Match', '"1"')
        .expect(200);
    const connected = { app: { ...app, route }, accountId: 'a1', settings: settings() };
    const id = toTypeId('int', await givenConnected(tenant, service, connected));
    const base = `/v1/integrations/${id}/incoming-webhooks`;
    const { body } = await tenant.admin.post(`${base}/address`).expect(201);
    return { base, route, path: new URL(body.address).pathname };
  };

  it('its integrations need none of their own', async () => {
    const { base, route, path } = await given(true);

    expect((await call(['c1'], path)).status).toBe(200);
    const wrong = await callIncoming(service.app, path, '{}', signatureOf('{}', 'another-secret'));
    expectProblem(wrong, 401, 'incoming_call_refused');
    expect(await waiting()).toEqual(['contacts c1']);
    expect((await tenant.admin.get(base)).body).toMatchObject({
      has_secret: true,
      received_at: expect.any(String),
      refused_at: expect.any(String),
    });
    const shownApp = await service.platform.get(route);
    expect(shownApp.body).toMatchObject({ has_webhook_secret: true });
    expect(shownApp.text).not.toContain(WEBHOOK_SECRET);
  });

  it('one of their own counts instead', async () => {
    const { base, path } = await given(true);
    await tenant.admin.put(`${base}/secret`, { secret: 'own-secret' }).expect(200);

    expectProblem(await call(['c1'], path), 401, 'incoming_call_refused');
    const body = JSON.stringify({ events: [{ id: 'c1' }] });
    expect((await callIncoming(service.app, path, body, signatureOf(body, 'own-secret'))).status).toBe(200);
  });

  it('without one, each call is refused until a secret is stored', async () => {
    const { base, path } = await given(false);

    expectProblem(await call(['c1'], path), 401, 'incoming_call_refused');
    expect((await tenant.admin.get(base)).body).toMatchObject({ has_secret: false });
  });
});
