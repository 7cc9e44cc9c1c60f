/**
 * An app like Exact Online with the real api and worker: it has a secret of its own, allows one subscription,
 * which has no end, tries an address by an empty call, and signs within the body.
 */
import { createHmac } from 'node:crypto';
import { type Product, type ProductTenant, startProduct } from '../support/environments/product';
import { PullingIntegration } from '../support/environments/pulling-integration';
import { until } from '../support/until';
import { type ScriptedServer, startScriptedServer } from '../connectors/suite/scripted-server';

const SECRET = 'shown-by-the-app-0815';

let product: Product;
let tenant: ProductTenant;
let server: ScriptedServer;
let integration: PullingIntegration;
let base: string;
const contacts = new Map([['c1', 'Ana']]);
/** The only subscription there. */
let hook: { id: string; url: string } | undefined;
let made = 0;

function answer({ method, path, body }: { method: string; path: string; body: string }) {
  const [, kind, id = ''] = path.split('/');
  const all = [...contacts].map(([key, name]) => ({ id: key, name }));
  if (kind === 'contacts' && id === '') return { status: 200, body: { data: all } };
  if (kind === 'contacts') return { status: 200, body: all.find((one) => one.id === id) ?? null };
  if (method === 'GET') return { status: 200, body: { hooks: hook === undefined ? [] : [hook] } };
  if (method === 'DELETE' && id === hook?.id) hook = undefined;
  else if (method === 'POST' && hook === undefined) hook = { id: `h${(made += 1)}`, ...JSON.parse(body) };
  else return { status: 400, body: { message: 'There is a subscription already.' } };
  return { status: 200, body: hook ?? {} };
}

beforeAll(async () => {
  server = await startScriptedServer(answer);
  product = await startProduct();
  tenant = await product.givenTenant();
  const existing = {
    path: '/hooks',
    items: '/hooks',
    address: '/url',
    id: '/id',
    remove: { path: '/hooks/{subscription_id}' },
  };
  integration = await PullingIntegration.onboarded(tenant, {
    connector: 'rest',
    account_name: 'Contacts',
    config: {
      app: 'Contacts',
      base_url: server.url,
      auth: { type: 'none' },
      check: { path: '/contacts' },
      errors: { message: '/message' },
      webhooks: {
        verify: { type: 'hmac', at: '/HashCode', signed: '{member:Content}' },
        handshake: { type: 'empty' },
        events: [{ record_type: 'contacts', id: '/Content/Keys' }],
        subscription: {
          secret: 'given',
          create: [{ path: '/hooks', body: { url: '{address}' }, existing }],
          id: '/id',
          lifetime_minutes: 10_080,
        },
      },
      record_types: {
        contacts: {
          list: { path: '/contacts', items: '/data', paging: { type: 'none' } },
          read: { path: '/contacts/{remote_id}' },
        },
      },
    },
    credentials: {},
    record_types: { contacts: { direction: 'pull', fields: [{ name: 'name', to: 'name' }] } },
  });
  base = `/v1/integrations/${integration.id}/incoming-webhooks`;
});
afterAll(async () => {
  await product?.stop();
  await server.stop();
});

const shown = () => tenant.api.must('GET', base);
const send = async (body: string) => {
  const to = `${product.apiUrl}${new URL(hook!.url).pathname}`;
  return (await fetch(to, { method: 'POST', body })).status;
};
const signed = (content: string, secret = SECRET) =>
  `{"Content":${content},"HashCode":"${createHmac('sha256', secret).update(content).digest('hex')}"}`;

it('waits for the secret of the app, then subscribes, and reads what the webhooks name', async () => {
  const { address } = await tenant.api.must('POST', `${base}/address`);
  expect(await shown()).toMatchObject({
    has_secret: false,
    subscription: { needs_secret: true, ends_at: null, error: null },
  });
  await tenant.api.must('PUT', `${base}/secret`, { secret: SECRET });
  await until('the subscription is stored', async () => (await shown()).subscription.ends_at !== null);
  expect(hook!.url).toBe(address);
  await integration.untilQuiet();

  expect(await send('')).toBe(200);
  contacts.set('c1', 'Edited there');
  expect(await send(signed('{"Keys":["c1"]}', 'guessed-secret'))).toBe(401);
  expect(await send(`${signed('{"Keys":[]}').slice(0, -1)},"Content":{"Keys":["c1"]}}`)).toBe(401);
  expect(await send(signed('{"Keys":["c1"]}'))).toBe(200);

  await until(
    'the change is here',
    async () => (await integration.held('contacts')).get('c1')?.['name'] === 'Edited there',
  );
});

it('a new address takes the place of the former one, with the same secret', async () => {
  await integration.untilQuiet();
  const { address, has_secret: hasSecret } = await tenant.api.must('POST', `${base}/address`);
  expect(hasSecret).toBe(true);

  await until('the subscription is stored', async () => (await shown()).subscription.ends_at !== null);
  expect([hook!.url, (await shown()).subscription.error]).toEqual([address, null]);
  expect(await send(signed('{"Keys":["c1"]}'))).toBe(200);
});

it('keeps the subscription that it finds, and makes no second one', async () => {
  await integration.untilQuiet();
  const before = made;
  await tenant.api.must('PUT', `${base}/secret`, { secret: SECRET });
  await until('the subscription is stored', async () => (await shown()).subscription.ends_at !== null);

  expect(made).toBe(before);
});
