/** Headers for receivers behind HTTP basic or an API gateway (B54): stored, sent, and never shown. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { fromTypeId } from '../../../db/sql/ids';
import { findDeliveringEndpoint } from '../../../db/webhooks/endpoint-queue';
import { createWebhookSender } from '../../../egress/webhook-sender';
import { createDependencies } from '../../../worker/dependencies';
import { expectProblem, type GivenTenant, listening, type Service, startService } from '../support/service';

let service: Service;
let tenant: GivenTenant;
beforeAll(async () => {
  service = await startService();
  tenant = await service.givenTenant();
});
afterAll(() => service.close());

const base = '/v1/webhook-endpoints';
const ADDRESS = 'https://hooks.example.com/syncline';
const PASSWORD = 'Basic c3luY2xpbmU6Y2FuYXJ5LXNlY3JldA==';
const headers = { Authorization: PASSWORD, 'X-Api-Key': 'canary-key-123' };
const create = async (body: object = { headers }) =>
  (await tenant.admin.post(base, { url: ADDRESS, ...body }).expect(201)).body as { id: string };
const change = (id: string, body: object, version = 1) =>
  tenant.admin.patch(`${base}/${id}`, body).set('If-Match', `"${version}"`);

/** What the worker sends to the receiver. */
async function sentTo(id: string): Promise<Record<string, string>> {
  const endpointId = fromTypeId('whe', id) as string;
  const endpoint = await service.database.withWebhooksRole((work) =>
    findDeliveringEndpoint(work, { endpointId }),
  );
  if (endpoint === undefined) throw new Error('There is no such endpoint.');
  const { openWebhookSecrets } = createDependencies({
    ...service,
    connectors: {},
    isStopping: () => false,
  } as unknown as Parameters<typeof createDependencies>[0]);
  return (await openWebhookSecrets(endpoint, new Date())).ownHeaders;
}

it('are stored encrypted and reach the worker; answers name them without their values', async () => {
  const { id } = await create();

  const answers = [
    await tenant.admin.get(base),
    await tenant.viewer.get(`${base}/${id}`),
    await change(id, { description: 'x' }),
    await tenant.admin.get('/v1/audit-log'),
  ];
  const rows = await service.database.withTenant(tenant.uuid, ({ trx }) =>
    trx.selectFrom('webhookEndpoints').selectAll().execute(),
  );

  expect(answers[1]?.body.header_names).toEqual(['authorization', 'x-api-key']);
  expect(JSON.stringify([answers.map(({ text }) => text), rows, service.logged])).not.toMatch(
    /canary|c3luY2xpbmU/,
  );
  expect(await sentTo(id)).toEqual({ authorization: PASSWORD, 'x-api-key': 'canary-key-123' });
});

it('are replaced together, and removed by null', async () => {
  const { id } = await create();

  await change(id, { headers: { 'X-Other': 'other' } }).expect(200);
  expect(await sentTo(id)).toEqual({ 'x-other': 'other' });
  expect((await change(id, { headers: null }, 2).expect(200)).body.header_names).toEqual([]);
  expect(await sentTo(id)).toEqual({});
});

it.each(['https://evil.example/syncline', 'https://hooks.example.com:8443/syncline'])(
  'are not sent to %s, which is another host or port, unless they are given again',
  async (url) => {
    const { id } = await create();

    expectProblem(await change(id, { url }), 422, 'endpoint_headers_required');
    expect(await sentTo(id)).toHaveProperty('authorization');
    await change(id, { url: `${ADDRESS}/other?path=1` }).expect(200);
    await change(id, { url, headers: null }, 2).expect(200);
  },
);

it.each([
  ['a name of the connection', { Host: 'evil.example' }],
  ['a name of the connection', { 'Transfer-Encoding': 'chunked' }],
  ['a name of the connection', { 'keep-alive': '1' }],
  ['a name of the body', { 'Content-Length': '3' }],
  ['a name of a proxy', { 'Proxy-Authorization': 'Basic x' }],
  ['a signature', { 'Webhook-Signature': 'v1,forged' }],
  ['the id of the event', { 'webhook-id': 'evt_forged' }],
  ['CR and LF in the value', { 'X-A': 'a\r\nX-B: b' }],
  ['LF in the value', { 'X-A': 'a\nX-B: b' }],
  ['NUL in the value', { 'X-A': 'a\0' }],
  ['CR and LF in the name', { 'X-A\r\nX-B': 'b' }],
  ['a blank in the name', { 'X A': 'b' }],
  ['an empty name', { '': 'b' }],
  ['an empty value', { 'X-A': '' }],
  ['characters that HTTP does not carry', { 'X-A': 'zażółć' }],
  ['a value that is too long', { 'X-A': 'a'.repeat(4_097) }],
  ['a name twice', { 'X-A': 'a', 'x-a': 'b' }],
  ['too many', Object.fromEntries(Array.from({ length: 21 }, (_, index) => [`X-${index}`, 'a']))],
])('are refused, without the value in the answer: %s', async (_what, refused) => {
  const answer = await tenant.admin.post(base, { url: ADDRESS, headers: refused });

  expectProblem(answer, 400);
  expect(answer.text).not.toMatch(/forged|chunked|zażółć/);
});

it('reach the receiver beside the signature, and what it repeats of them is not kept', async () => {
  let received: IncomingHttpHeaders = {};
  const receiver = await listening(
    createServer((request, response) => {
      received = request.headers;
      response.writeHead(401, { 'X-Echo': `${request.headers.authorization}`, 'X-Key': 'canary-key-123' });
      response.end(`no: ${JSON.stringify(request.headers)} syncline:canary-secret canary-secret`);
    }),
  );
  const sender = createWebhookSender({ policy: { allowCidrs: ['127.0.0.0/8'], allowHttp: true } });

  const send = sender.to(
    {
      url: `http://127.0.0.1:${receiver.port}/`,
      secrets: ['whsec_c2VjcmV0'],
      ownHeaders: { authorization: PASSWORD, 'x-api-key': 'canary-key-123' },
    },
    new AbortController().signal,
  );

  const answer = await send({ id: 'evt_1', at: new Date(), body: '{}' });
  await sender.close();
  await receiver.close();

  expect(received).toMatchObject({
    authorization: PASSWORD,
    'x-api-key': 'canary-key-123',
    'webhook-signature': expect.stringMatching(/^v1,/),
  });
  expect(answer.requestHeaders).toMatchObject({ authorization: '[hidden]', 'x-api-key': '[hidden]' });
  expect(JSON.stringify(answer)).not.toMatch(/canary|c3luY2xpbmU/);
});
