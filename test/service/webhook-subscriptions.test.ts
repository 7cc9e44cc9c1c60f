/** Subscriptions to webhooks with the real api and worker: from the address to the record. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { ApiClient } from '../support/clients/api-client';
import { type Product, type ProductTenant, startProduct } from '../support/environments/product';
import { PullingIntegration } from '../support/environments/pulling-integration';
import { until } from '../support/until';

interface Order {
  url: string;
  token: string;
  until: string;
}

let product: Product;
let tenant: ProductTenant;
let server: http.Server;
let integration: PullingIntegration;
let base: string;
/** What the app holds, and the subscriptions there. */
const contacts = new Map([['c1', 'Ana']]);
const orders = new Map<string, Order>();
let creations = 0;
let refusal: string | undefined;

async function bodyOf(request: http.IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

function serve(request: http.IncomingMessage, response: http.ServerResponse): void {
  void bodyOf(request).then((body) => {
    const [, kind, id = ''] = (request.url ?? '').split('/');
    const say = (status: number, answer: object) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    };
    const all = [...contacts].map(([key, name]) => ({ id: key, name }));
    if (kind === 'contacts')
      return id === ''
        ? say(200, { data: all })
        : say(
            200,
            all.find((one) => one.id === id)!,
          );
    if (request.method === 'DELETE') return say(orders.delete(id) ? 200 : 404, {});
    const pathOf = (url: string) => new URL(url).pathname;
    if (refusal !== undefined) return say(403, { message: `${refusal} ${pathOf(JSON.parse(body).url)}` });
    if (request.method === 'PATCH' && !orders.has(id)) return say(404, { message: 'unknown' });
    const key = id === '' ? `o${(creations += 1)}` : id;
    orders.set(key, { ...orders.get(key), ...JSON.parse(body) });
    return say(200, { id: key });
  });
}

const onboard = (of: ProductTenant): Promise<PullingIntegration> =>
  PullingIntegration.onboarded(of, {
    connector: 'rest',
    account_name: 'Contacts',
    config: {
      app: 'Contacts',
      base_url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      auth: { type: 'none' },
      check: { path: '/contacts' },
      errors: { message: '/message' },
      webhooks: {
        verify: { type: 'token', at: '/token' },
        events: [{ items: '/events', record_type: 'contacts', id: '/id' }],
        subscription: {
          create: [{ path: '/orders', body: { url: '{address}', token: '{secret}', until: '{expires_at}' } }],
          id: '/id',
          renew: { path: '/orders/{subscription_id}', body: { until: '{expires_at}' } },
          cancel: { path: '/orders/{subscription_id}' },
          lifetime_minutes: 1_440,
        },
      },
      record_types: {
        contacts: {
          list: { path: '/contacts', items: '/data', paging: { type: 'none' } },
          read: { path: '/contacts/{remote_id}' },
        },
        people: { list: { path: '/contacts', items: '/data', paging: { type: 'none' } } },
      },
    },
    credentials: {},
    record_types: { contacts: { direction: 'pull', fields: [{ name: 'name', to: 'name' }] } },
  });

beforeAll(async () => {
  server = http.createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  product = await startProduct();
  tenant = await product.givenTenant();
  integration = await onboard(tenant);
  base = `/v1/integrations/${integration.id}/incoming-webhooks`;
});
afterAll(async () => {
  await product?.stop();
  server.closeAllConnections();
  server.close();
});

const shown = () => tenant.api.must('GET', base);
const ordered = () => [...orders.values()].at(-1)!;

it('Syncline subscribes with a new address, and reads what the webhooks then name', async () => {
  const made = await tenant.api.must('POST', `${base}/address`);
  expect(made).toMatchObject({ has_secret: true, subscription: { ends_at: null, error: null } });

  await until('it is subscribed', () => orders.size > 0);
  expect(ordered()).toMatchObject({ url: made.address, token: expect.any(String) });
  await until('the subscription is stored', async () => (await shown()).subscription.ends_at !== null);
  await integration.untilQuiet();

  contacts.set('c1', 'Edited there');
  const { url, token } = ordered();
  const call = { method: 'POST', body: JSON.stringify({ token, events: [{ id: 'c1' }] }) };
  const to = `${product.apiUrl}${new URL(url).pathname}`;
  expect((await fetch(to, { ...call, body: call.body.replace(token, 'guessed') })).status).toBe(401);
  expect((await fetch(to, call)).status).toBe(200);

  await until(
    'the change is here',
    async () => (await integration.held('contacts')).get('c1')?.['name'] === 'Edited there',
  );
});

it('subscribes again after new credentials, which may be of another account', async () => {
  await integration.untilQuiet();
  const before = creations;
  await tenant.api.must('PUT', `/v1/integrations/${integration.id}/credentials`, { credentials: {} });
  await integration.sync('full');

  await until('it is subscribed', () => creations > before);
  expect(ordered().url).toContain('/v1/incoming/');
  await until('the former subscription is canceled', () => orders.size === 1);
});

it('subscribes again with a new address; a refusal is shown without it, and fails no run', async () => {
  await integration.untilQuiet();
  refusal = 'No rights to subscribe';
  const made = await tenant.api.must('POST', `${base}/address`);
  await until('the refusal is noted', async () => (await shown()).subscription.error !== null);

  const { error, ends_at: endsAt } = (await shown()).subscription;
  expect(error).toContain('No rights to subscribe');
  expect(error).not.toContain(new URL(made.address).pathname.split('/').at(-1));
  expect(endsAt).toBeNull();
  await integration.untilQuiet();
  expect((await integration.runs()).map(({ state }) => state)).not.toContain('failed');

  refusal = undefined;
  await integration.sync('full');
  await until('the subscription is stored', async () => (await shown()).subscription.ends_at !== null);
  expect(ordered().url).toBe(made.address);
  expect((await shown()).subscription.error).toBeNull();
});

it('subscribes again soon after the secret was replaced', async () => {
  await integration.untilQuiet();
  await tenant.api.must('PUT', `${base}/secret`, { secret: 'chosen-by-a-person' });

  await until('it is subscribed', () => ordered().token === 'chosen-by-a-person');
  await until('the subscription is stored', async () => (await shown()).subscription.ends_at !== null);
  expect((await shown()).subscription.error).toBeNull();
});

it('a record type that is no longer read leaves no subscription, and one that is read again has one', async () => {
  await integration.untilQuiet();
  const path = `/v1/integrations/${integration.id}`;
  const change = async (record_types: object) => {
    const { headers } = await tenant.api.call('GET', path);
    const ifMatch = { 'If-Match': headers.get('etag') ?? '' };
    await tenant.api.must('PATCH', `${path}?check=false`, { record_types }, ifMatch);
    await integration.sync('full');
  };
  const { record_types: before } = await tenant.api.must('GET', path);
  const people = { direction: 'pull', fields: [{ name: 'name', to: 'name' }] };

  await change({ people });
  await until('the subscription is canceled', () => orders.size === 0);
  await until('that is stored', async () => (await shown()).subscription.ends_at === null);
  await change(before);
  await until('it is subscribed', () => orders.size === 1);
  await until('the subscription is stored', async () => (await shown()).subscription.ends_at !== null);
  expect((await shown()).subscription.error).toBeNull();
});

it('nothing is left at the app when the integration is deleted, and the audit log says so', async () => {
  await integration.untilQuiet();
  await tenant.api.must('DELETE', `/v1/integrations/${integration.id}`);

  expect([...orders.keys()]).toEqual([]);
  const { data } = await tenant.api.must('GET', '/v1/audit-log?limit=1');
  expect(data[0]).toMatchObject({
    action: 'integration.deleted',
    detail: { webhook_subscription: 'canceled' },
  });
});

it('nothing is left at the app when the tenant is deleted, and the receipt says so', async () => {
  const other = await product.givenTenant();
  const ofOther = await onboard(other);
  const webhooks = `/v1/integrations/${ofOther.id}/incoming-webhooks`;
  await other.api.must('POST', `${webhooks}/address`);
  await until('it is subscribed', () => orders.size > 0);
  await until(
    'the subscription is stored',
    async () => (await other.api.must('GET', webhooks)).subscription.ends_at !== null,
  );
  await ofOther.untilQuiet();

  const path = `/v1/tenants/${other.id}?name=${encodeURIComponent('Ada & Sons')}`;
  const receipt = await new ApiClient(product.apiUrl, product.platformKey).must('DELETE', path);

  expect([...orders.keys()]).toEqual([]);
  expect(receipt.webhook_subscriptions).toEqual({ canceled: 1, left: 0 });
});
