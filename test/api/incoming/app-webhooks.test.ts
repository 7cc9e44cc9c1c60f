/** One address for all accounts of an OAuth app: whose integrations an event reaches. */
import { AppCalls } from '../../../api/incoming/app-calls';
import { fromTypeId, toTypeId } from '../../../db/sql/ids';
import { connectors } from '../../../connectors';
import { findAppWebhooksOf, locateAccounts } from '../../../db/integrations/incoming/app-addresses';
import { PLATFORM_TENANT_ID } from '../../../db/tables/tenants';
import {
  callApp,
  givenApp,
  type GivenApp,
  givenConnected,
  signedCall,
  storeShipped,
  waitingOf,
  APP_WEBHOOK_SECRET,
} from '../support/app-webhooks';
import { callIncoming } from '../support/incoming';
import { eventually, expectProblem, type GivenTenant, type Service, startService } from '../support/service';

let service: Service;
let platform: GivenApp;
let tenant: GivenTenant;
let other: GivenTenant;
beforeAll(async () => {
  service = await startService();
  await storeShipped(service.database, 'hubspot', 'xero', 'quickbooks', 'okta');
});
afterAll(() => service.close());
beforeEach(async () => {
  tenant = await service.givenTenant();
  other = await service.givenTenant();
  platform = await givenApp(service.platform, '/v1/platform', 'hubspot');
});

const HUBSPOT = {
  third_party: { key: 'hubspot', sign_in: 'token' },
  credentials: { token: 'pat-1' },
};
const connected = (of: GivenTenant, accountId: string, more: object = {}) =>
  givenConnected(of, service, { app: platform, accountId, settings: HUBSPOT, ...more });
const changed = (portalId: number, objectId: number, subscriptionType = 'contact.propertyChange') => ({
  eventId: 1,
  portalId,
  objectId,
  subscriptionType,
});
const call = (...events: object[]) => callApp(service, 'hubspot', platform, events);
const shown = async (app = platform, as: Pick<GivenTenant['admin'], 'get'> = service.platform) =>
  (await as.get(`${app.route}/incoming-webhooks`).expect(200)).body;

it('an event reaches each integration of its account, of every tenant, and no other account', async () => {
  const [one, two] = [await connected(tenant, '111'), await connected(tenant, '222')];
  const third = await connected(other, '111');

  const response = await call(changed(111, 7), changed(222, 8, 'company.creation'));

  expect([response.status, response.text]).toEqual([200, '']);
  expect(await waitingOf(tenant, service)).toEqual([`${one} contacts 7`, `${two} companies 8`].sort());
  expect(await waitingOf(other, service)).toEqual([`${third} contacts 7`]);
  expect(await shown()).toMatchObject({
    definition_key: 'hubspot',
    has_secret: true,
    received_at: expect.any(String),
    refused_at: null,
    unknown_events: 0,
  });
});

it('an event of an account without an integration is counted and forgotten', async () => {
  await connected(tenant, '111');

  const response = await call(changed(999, 7), changed(111, 8), { subscriptionType: 'contact.creation' });

  expect(response.status).toBe(200);
  expect(await waitingOf(tenant, service)).toHaveLength(1);
  expect(await shown()).toMatchObject({ unknown_events: 2 });
});

it('an account id that no definition has read reaches no integration at an app of the platform', async () => {
  await connected(tenant, '111', { isProved: false });

  expect((await call(changed(111, 7))).status).toBe(200);
  expect(await waitingOf(tenant, service)).toEqual([]);
  expect(await shown()).toMatchObject({ unknown_events: 1 });
});

it('runs expect webhooks where the account is known and the app has a secret', async () => {
  const expected = (integrationId: string) =>
    service.database.withTenant(tenant.uuid, (work) => findAppWebhooksOf(work, { integrationId }));
  const known = await connected(tenant, '111');
  const unproved = await connected(tenant, '222', { isProved: false });
  await call(changed(111, 7));

  expect(await expected(unproved)).toBeUndefined();
  expect(await expected(known)).toEqual({ createdAt: expect.any(Date), receivedAt: expect.any(Date) });
  await service.database.withTenant(PLATFORM_TENANT_ID, ({ trx }) =>
    trx.updateTable('oauthAppWebhooks').set({ secret: null }).execute(),
  );
  expect(await expected(known)).toBeUndefined();
});

it('an app of a tenant reaches only its own integrations, even if others have the account', async () => {
  const own = await givenApp(tenant.admin, '/v1', 'hubspot');
  const mine = await connected(tenant, '111', { app: own, owner: tenant.uuid, isProved: false });
  await connected(tenant, '111');
  await connected(other, '111');

  expect((await callApp(service, 'hubspot', own, [changed(111, 7)])).status).toBe(200);

  expect(await waitingOf(tenant, service)).toEqual([`${mine} contacts 7`]);
  expect(await waitingOf(other, service)).toEqual([]);
  expectProblem(await other.admin.get(`${own.route}/incoming-webhooks`), 404, 'oauth_app_not_found');
});

it('the secret of another app proves nothing, and the answer has no body', async () => {
  await connected(tenant, '111');

  const response = await callApp(service, 'hubspot', platform, [changed(111, 7)], 'secret-of-another-app');

  expect([response.status, response.text]).toEqual([401, '']);
  expect(await waitingOf(tenant, service)).toEqual([]);
  expect(await shown()).toMatchObject({ received_at: null, refused_at: expect.any(String) });
});

it('Xero finds that only its signed calls are accepted (intent to receive)', async () => {
  const app = await givenApp(service.platform, '/v1/platform', 'xero');
  const asked = { events: [], lastEventSequence: 0, firstEventSequence: 0, entropy: 'S0m3r4Nd0mt3xt' };

  const signed = await callApp(service, 'xero', app, asked);
  const forged = await callApp(service, 'xero', app, asked, 'another-webhooks-key');

  expect([signed.status, signed.text, signed.headers['set-cookie']]).toEqual([200, '', undefined]);
  expect([forged.status, forged.text, forged.headers['set-cookie']]).toEqual([401, '', undefined]);
});

it('QuickBooks names a company in both of its forms', async () => {
  const app = await givenApp(service.platform, '/v1/platform', 'quickbooks');
  const companies = await connected(tenant, '310687', { app });
  await service.database.withTenant(tenant.uuid, ({ trx }) =>
    trx
      .updateTable('integrations')
      .set({ recordTypes: JSON.stringify({ customers: { direction: 'pull', fields: [] } }) })
      .execute(),
  );
  const cloud = (id: string, more: object = {}) => ({
    specversion: '1.0',
    type: 'qbo.customer.updated.v1',
    intuitentityid: id,
    intuitaccountid: '310687',
    ...more,
  });
  const merged = cloud('3', { type: 'qbo.customer.merged.v1', data: { deletedid: '4' } });
  await callApp(service, 'quickbooks', app, [cloud('1'), cloud('2', { intuitaccountid: '1' }), merged]);
  const entities = [{ name: 'Customer', id: '5', operation: 'Update' }];
  const eventNotifications = ['310687', '1'].map((realmId, index) => ({
    realmId,
    dataChangeEvent: { entities: index === 0 ? entities : [{ ...entities[0], id: '6' }] },
  }));
  await callApp(service, 'quickbooks', app, { eventNotifications });

  expect(await waitingOf(tenant, service)).toEqual(
    ['1', '3', '4', '5'].map((id) => `${companies} customers ${id}`),
  );
});

it('a flood of one account is read as a whole, and keeps no other tenant from its events', async () => {
  const flooded = await connected(tenant, '111');
  const quiet = await connected(other, '222');
  const dependencies = { ...service, connectors };
  const calls = new AppCalls(dependencies, { calls: 2, withinMs: 600_000 });
  const place = { tenantId: PLATFORM_TENANT_ID, oauthAppId: fromTypeId('oap', platform.id) as string };
  const receive = (...events: object[]) => calls.receive(place, signedCall(platform, events));

  for (const id of [1, 2, 3, 4, 5])
    expect(await receive(changed(111, id))).toMatchObject({ kind: 'records' });
  expect(await receive(changed(111, 6), changed(222, 1))).toMatchObject({ kind: 'records' });

  expect(await waitingOf(tenant, service)).toEqual(['', '1', '2'].map((id) => `${flooded} contacts ${id}`));
  expect(await waitingOf(other, service)).toEqual([`${quiet} contacts 1`]);
});

it('a tenant with many integrations of an account takes no place of another tenant', async () => {
  const [one, two] = [tenant, other].sort((a, b) => (a.uuid < b.uuid ? -1 : 1)) as [GivenTenant, GivenTenant];
  const many = [await connected(one, '111'), await connected(one, '111'), await connected(one, '111')].sort();
  const single = await connected(two, '222');
  const place = { tenantId: PLATFORM_TENANT_ID, oauthAppId: fromTypeId('oap', platform.id) as string };
  const found = await service.database.withPlatform((work) =>
    locateAccounts(work, { ...place, accountIds: ['111', '222'], limit: 2 }),
  );

  expect(found.map(({ integrationId }) => integrationId)).toEqual([many[0], single]);
});

it('a tenant whose transaction fails keeps no other from its events, and the provider calls again', async () => {
  const [one, two] = [tenant, other].sort((a, b) => (a.uuid < b.uuid ? -1 : 1)) as [GivenTenant, GivenTenant];
  const [first, second] = [await connected(one, '111'), await connected(two, '111')];
  const withTenant = service.database.withTenant.bind(service.database);
  const failing = jest.spyOn(service.database, 'withTenant').mockImplementation(async (tenantId, work) => {
    if (tenantId === one.uuid) throw new Error('canceling statement due to lock timeout');
    return withTenant(tenantId, work);
  });

  expect((await call(changed(111, 7))).status).toBe(500);
  failing.mockRestore();
  expect(await waitingOf(two, service)).toEqual([`${second} contacts 7`]);
  expect((await call(changed(111, 7))).status).toBe(200);
  expect(await waitingOf(one, service)).toEqual([`${first} contacts 7`]);
});

it('a deleted integration or tenant takes nothing, and the others do', async () => {
  const gone = await connected(tenant, '111');
  const stays = await connected(other, '111');
  await tenant.admin.delete(`/v1/integrations/${toTypeId('int', gone)}`).expect(204);

  expect((await call(changed(111, 7))).status).toBe(200);

  expect(await waitingOf(tenant, service)).toEqual([]);
  expect(await waitingOf(other, service)).toEqual([`${stays} contacts 7`]);
});

it('a new address ends the one before it, keeps the secret, and an app that is deleted takes its own', async () => {
  await connected(tenant, '111');
  const own = await givenApp(tenant.admin, '/v1', 'hubspot');
  const before = own.address;
  const { body } = await tenant.admin
    .post(`${own.route}/incoming-webhooks/address`, { definition_key: 'hubspot' })
    .expect(201);
  const now = { address: new URL(body.address).pathname };

  expect((await callApp(service, 'hubspot', { address: before }, [])).status).toBe(401);
  expect((await callApp(service, 'hubspot', now, [])).status).toBe(200);
  await tenant.admin.delete(own.route).expect(204);
  expect((await callApp(service, 'hubspot', now, [])).status).toBe(401);
});

it('a revoked address is refused at once, and a new one needs its secret again', async () => {
  const before = platform.address;
  const address = `${platform.route}/incoming-webhooks/address`;
  await service.platform.delete(address).expect(204);

  expect((await callApp(service, 'hubspot', { address: before }, [])).status).toBe(401);
  expect(await shown()).toMatchObject({ definition_key: null, created_at: null, has_secret: false });
  await service.platform.delete(address).expect(204);
  const made = await service.platform.post(address, { definition_key: 'hubspot' }).expect(201);
  expect(made.body).toMatchObject({ has_secret: false });
});

it('the definitions are named that can describe the webhooks of an app', async () => {
  const list = await service.platform.get(`${platform.route}/incoming-webhooks/definitions`).expect(200);

  expect(list.body.data).toEqual([
    { key: 'hubspot', name: 'HubSpot' },
    { key: 'quickbooks', name: 'QuickBooks Online' },
    { key: 'xero', name: 'Xero' },
  ]);
});

it('the address and the secret are not shown again, and are in no log', async () => {
  await call(changed(111, 7));
  await eventually(async () => expect(service.logged.join('')).toContain('request'));

  const seen = JSON.stringify(await shown()) + service.logged.join('');
  expect(seen).not.toContain(platform.address.split('/').at(-1));
  expect(seen).not.toContain(APP_WEBHOOK_SECRET);
});

it('a definition whose webhooks name no account gives an app no address', async () => {
  const { body } = await tenant.admin
    .post('/v1/oauth-apps', { name: 'x', client_id: 'x', allowed_origins: ['https://a.example.com'] })
    .expect(201);
  const make = (definition_key: string) =>
    tenant.admin.post(`/v1/oauth-apps/${body.id}/incoming-webhooks/address`, { definition_key });

  for (const key of ['okta', 'nothing']) expectProblem(await make(key), 422, 'app_webhooks_not_described');
  expectProblem(
    await tenant.admin.put(`/v1/oauth-apps/${body.id}/incoming-webhooks/secret`, { secret: 'x'.repeat(8) }),
    409,
    'app_address_missing',
  );
  expect(await shown({ ...platform, route: `/v1/oauth-apps/${body.id}` }, tenant.admin)).toMatchObject({
    definition_key: null,
    has_secret: false,
  });
});

it('a body above one megabyte is refused before it is read', async () => {
  const body = 'x'.repeat(1_024 * 1_024 + 1);
  expectProblem(await callIncoming(service.app, platform.address, body), 413, 'body_too_large');
});
