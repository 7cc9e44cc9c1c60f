/** The sample tenant of `npm start`, after its key, its people, its file or its database changed. */
import { once } from 'node:events';
import fs from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { ensureDefinition } from '../../dev/sample/sample-definition';
import { ensureAdmin, ensureTenant, type SampleAccess } from '../../dev/sample/sample-tenant';
import { createEndpoint, updateEndpointUrl } from '../../dev/sample/sample-webhooks';
import { Client } from '../../dev/sample/sample-client';
import { PLATFORM_KEY, type Service, startService } from '../api/support/service';
import { until } from '../support/until';
import { temporaryFolder } from '../support/servers/shared-servers';

let receiverSecret: string | undefined;
jest.mock('../../dev/companions/webhook-receiver', () => ({
  setReceiverSecret: (secret: string) => (receiverSecret = secret),
  hasReceiverSecret: () => receiverSecret !== undefined,
}));

const folder = temporaryFolder('sample-tenant');
const running: { service: Service; server: Server }[] = [];
let access: SampleAccess;

async function startApi(): Promise<string> {
  const service = await startService();
  const server = service.app.listen(0, '127.0.0.1');
  running.push({ service, server });
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeEach(async () => {
  const file = path.join(folder, `${running.length}.json`);
  access = { apiUrl: await startApi(), platformKey: PLATFORM_KEY, file };
});

afterAll(async () => {
  for (const { service, server } of running) {
    server.close();
    await service.close();
  }
});

const clientOf = (key: string) => new Client(access.apiUrl, key);
const listOf = async (key: string, route: string) =>
  (await clientOf(key).mustCall('GET', route)).data as Record<string, string>[];
const tenants = () => listOf(PLATFORM_KEY, '/tenants');

/** What `npm start` does for its tenant, at the first start and at each later one. */
async function start() {
  const sample = await ensureTenant(access);
  return { sample, admin: await ensureAdmin(access, sample) };
}

it('keeps its tenant and its key', async () => {
  const { sample } = await start();

  expect((await start()).sample).toEqual(sample);
});

it('makes another key for the same tenant after the key was revoked', async () => {
  const { sample } = await start();
  const [key] = await listOf(sample.apiKey, '/api-keys');
  await clientOf(sample.apiKey).mustCall('DELETE', `/api-keys/${key?.id}`);
  await until(
    'the key is refused',
    async () => (await clientOf(sample.apiKey).call('GET', '/tenant')).status === 401,
  );

  const again = await start();

  expect(again.sample).toEqual({ ...sample, apiKey: expect.any(String) });
  expect(again.sample.apiKey).not.toBe(sample.apiKey);
  expect(await listOf(again.sample.apiKey, '/people')).toHaveLength(1);
  expect(await tenants()).toHaveLength(1);
  expect((await start()).sample).toEqual(again.sample);
});

it.each([
  ['is gone', () => fs.rmSync(access.file)],
  ['is empty', () => fs.truncateSync(access.file, 0)],
  ['is cut off', () => fs.truncateSync(access.file, 40)],
  ['is not an object', () => fs.writeFileSync(access.file, 'null')],
  ['has none of its fields', () => fs.writeFileSync(access.file, '{}')],
])('finds its tenant, endpoint and admin again when sample.json %s', async (_what, damage) => {
  const { sample } = await start();
  const endpoint = await createEndpoint(clientOf(sample.apiKey), 'https://receiver.example/hooks');
  damage();

  const again = await start();

  expect(again.sample).toMatchObject({ tenantId: sample.tenantId, webhookEndpointId: endpoint });
  expect(again.admin).toEqual({ email: 'admin@sample-company.example', link: expect.any(String) });
  expect(await tenants()).toHaveLength(1);
});

it('invites its admin again after that person was disabled', async () => {
  const { sample } = await start();
  const client = clientOf(sample.apiKey);
  await client.mustCall('POST', '/people', { name: 'Ada', email: 'ada@example.com', role: 'admin' });
  const people = await listOf(sample.apiKey, '/people');
  const admin = people.find(({ email }) => email === 'admin@sample-company.example');
  await client.mustCall('DELETE', `/people/${admin?.id}`);

  const again = await start();

  expect(again.admin).toEqual({ email: 'admin@sample-company.example', link: expect.any(String) });
});

it('invites its admin under another address if another tenant has the person by now', async () => {
  const { sample } = await start();
  const other = await ensureTenant({ ...access, file: `${access.file}.other` });
  await clientOf(PLATFORM_KEY).mustCall(
    'PATCH',
    `/tenants/${sample.tenantId}`,
    { name: 'Renamed' },
    {
      'if-match': '"1"',
    },
  );
  fs.rmSync(access.file);

  const again = await start();

  expect(other.tenantId).toBe(sample.tenantId);
  expect(again.sample.tenantId).not.toBe(sample.tenantId);
  expect(again.admin.email).toMatch(/^admin-ten_\w+@sample-company\.example$/);
  expect((await start()).admin.email).toBe(again.admin.email);
});

it('starts over if the database is another one, and finds the first tenant again in the first database', async () => {
  const { sample } = await start();
  const first = access;
  access = { ...first, apiUrl: await startApi() };

  const there = await start();
  access = first;
  const back = await start();

  expect(there.sample.tenantId).not.toBe(sample.tenantId);
  expect(there.admin.link).not.toBeNull();
  expect(back.sample.tenantId).toBe(sample.tenantId);
});

it('gives its receiver another secret after .syncline was deleted and the database was kept', async () => {
  const { sample } = await start();
  const client = clientOf(sample.apiKey);
  const id = await createEndpoint(client, 'https://receiver.example/hooks');
  const [before, url] = [receiverSecret, 'https://receiver.example:8443/hooks'];
  receiverSecret = undefined;

  await updateEndpointUrl(client, id, url);
  const after = receiverSecret;
  await updateEndpointUrl(client, id, url);

  expect(receiverSecret).toBe(after);
  expect(receiverSecret).toMatch(/^whsec_/);
  expect(receiverSecret).not.toBe(before);
  expect(await listOf(sample.apiKey, '/webhook-endpoints')).toMatchObject([{ id, url }]);
});

it('registers the app that is connected by consent once, and again under another address', async () => {
  const platform = clientOf(PLATFORM_KEY);
  const app = { url: 'http://127.0.0.1:18085', clientId: 'syncline-1', clientSecret: 'canary' };
  const apps = () => listOf(PLATFORM_KEY, '/platform/oauth-apps');
  const versions = () =>
    listOf(PLATFORM_KEY, '/platform/third-party-definitions/sample-address-book/versions');
  await ensureDefinition(platform, app);
  const first = await apps();

  await ensureDefinition(platform, app);

  expect(await apps()).toEqual(first);
  expect(await versions()).toMatchObject([{ version: 1, is_current: true }]);
  // No worker publishes it here.
  await ensureDefinition(platform, { ...app, url: 'http://127.0.0.1:18086' }, 0);
  expect(await apps()).toMatchObject([{ id: first[0]?.id, allowed_origins: ['http://127.0.0.1:18086'] }]);
  expect(await versions()).toMatchObject([{ version: 2 }, { version: 1 }]);
});
