/** Webhooks of an app with the real api and worker: from the call to the record here. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { signatureOf, WEBHOOK_SECRET, WEBHOOKS } from '../api/support/incoming';
import { type Product, type ProductTenant, startProduct } from '../support/environments/product';
import { PullingIntegration } from '../support/environments/pulling-integration';
import { until } from '../support/until';

let product: Product;
let tenant: ProductTenant;
let server: http.Server;
let integration: PullingIntegration;
let address: string;
/** What the app holds, and the paths that it was asked for. */
const contacts = new Map<string, string>();
const asked: string[] = [];

function serve(request: http.IncomingMessage, response: http.ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://app');
  asked.push(url.pathname);
  const [, , id] = url.pathname.split('/');
  const all = [...contacts].map(([key, name]) => ({ id: key, name }));
  const one = all.find((contact) => contact.id === id);
  response.setHeader('content-type', 'application/json');
  if (id === undefined) response.end(JSON.stringify({ data: all }));
  else if (one === undefined) response.writeHead(404).end('{"message":"gone"}');
  else response.end(JSON.stringify(one));
}

beforeAll(async () => {
  server = http.createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  product = await startProduct();
  tenant = await product.givenTenant();
  for (const id of ['c1', 'c2', 'c3']) contacts.set(id, `Name of ${id}`);
  const list = { path: '/contacts', items: '/data', paging: { type: 'none' } };
  integration = await PullingIntegration.onboarded(tenant, {
    connector: 'rest',
    account_name: 'Contacts',
    config: {
      app: 'Contacts',
      base_url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      auth: { type: 'none' },
      check: { path: '/contacts' },
      webhooks: WEBHOOKS,
      record_types: { contacts: { list, read: { path: '/contacts/{remote_id}' } } },
    },
    credentials: {},
    record_types: { contacts: { direction: 'pull', fields: [{ name: 'name', to: 'name' }] } },
  });
  const base = `/v1/integrations/${integration.id}/incoming-webhooks`;
  ({ address } = await tenant.api.must('POST', `${base}/address`));
  await tenant.api.must('PUT', `${base}/secret`, { secret: WEBHOOK_SECRET });
  // What was changed before the address was known could not be announced.
  await integration.sync('full');
  await integration.untilQuiet();
});
afterAll(async () => {
  await product?.stop();
  server.closeAllConnections();
  server.close();
});

async function announce(...ids: string[]): Promise<number> {
  const body = JSON.stringify({ events: ids.map((id) => ({ id })) });
  const to = new URL(address);
  const headers = { 'content-type': 'application/json', ...signatureOf(body) };
  return (await fetch(`${product.apiUrl}${to.pathname}`, { method: 'POST', headers, body })).status;
}
const nameOf = async (id: string) => (await integration.held('contacts')).get(id)?.['name'];
const webhookRuns = async () => (await integration.runs()).filter(({ kind }) => kind === 'webhook');
const jobOf = (runId: string) => integration.job(runId, 'contacts');

it('what changed there arrives here within seconds, and only those records are read', async () => {
  contacts.set('c1', 'Edited there');
  contacts.set('c4', 'New there');
  contacts.set('c2', 'Edited without a webhook');
  asked.length = 0;
  expect(await announce('c1', 'c4', 'c1')).toBe(200);

  await until('the record is read', async () => (await nameOf('c1')) === 'Edited there');
  await integration.untilQuiet();
  expect([await nameOf('c4'), await nameOf('c2')]).toEqual(['New there', 'Name of c2']);
  expect(asked.toSorted()).toEqual(['/contacts/c1', '/contacts/c4']);
  const [run] = await webhookRuns();
  expect(run).toMatchObject({ state: 'succeeded', record_types: ['contacts'] });
  expect(await jobOf(run?.id)).toMatchObject({ records_read: 2, records_new: 1, records_changed: 1 });
});

it('the next full run says what no webhook had announced', async () => {
  const run = await integration.sync('full');

  expect(await jobOf(run.id)).toMatchObject({ records_changed: 1, webhooks_missed: 1 });
  expect(await nameOf('c2')).toBe('Edited without a webhook');
  const again = await integration.sync('full');
  expect(await jobOf(again.id)).toMatchObject({ records_changed: 0, webhooks_missed: 0 });
});

it('a record that is gone there is deleted by the full pass that follows', async () => {
  contacts.delete('c3');
  await announce('c3');

  await until('the record is deleted', async () => !(await integration.held('contacts')).has('c3'));
  await integration.untilQuiet();
  const kinds = (await integration.runs()).map(({ kind }) => kind);
  expect(kinds).toContain('drift_repair');
});
