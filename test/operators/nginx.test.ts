/** What callers see behind Debian's nginx with deploy/nginx.conf (B30, B32, B34, B36). */
import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { constants, createGunzip, gunzipSync } from 'node:zlib';
import { givenOnboarded } from '../api/support/simulated-worker';
import {
  eventually,
  givenIntegration,
  type GivenTenant,
  listening,
  type Service,
  startService,
} from '../api/support/service';
import { type Nginx, startNginx } from '../support/servers/nginx';

let service: Service;
let server: Awaited<ReturnType<typeof listening>>;
let tenant: GivenTenant;
let nginx: Nginx;
let agent: Agent;
const stops: (() => unknown)[] = [];

beforeAll(async () => {
  service = await startService({ config: { operationWaitMs: 2_000, trustedProxies: ['127.0.0.0/8'] } });
  server = await listening(service.app);
  tenant = await service.givenTenant();
  nginx = await startNginx(server.port);
  agent = new Agent({ ca: nginx.cert });
});
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});
afterAll(async () => {
  agent.destroy();
  await nginx.stop();
  await server.close();
  await service.close();
});

interface Answer {
  status: number | undefined;
  headers: IncomingMessage['headers'];
  raw: Buffer;
  text: string;
}

interface Call {
  method?: string;
  headers?: Record<string, string>;
  body?: unknown;
  port?: number;
}

const open = (path: string, { method = 'GET', headers = {}, body, port = nginx.port }: Call = {}) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method,
        agent: port === nginx.port ? agent : new Agent({ rejectUnauthorized: false }),
        headers: {
          Authorization: `Bearer ${tenant.keys.admin}`,
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
          ...headers,
        },
      },
      resolve,
    );
    sent.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
  });

async function ask(path: string, call: Call = {}): Promise<Answer> {
  const response = await open(path, call);
  const raw = Buffer.concat(await response.toArray());
  const body = response.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
  return { status: response.statusCode, headers: response.headers, raw, text: body.toString() };
}

it.each(['a/b', '../up', 'a//b', 'ü ä', '100%', 'a?b#c', 'a%2Fb', 'x;y=z'])(
  'the record %j is kept under its id',
  async (id) => {
    const path = `/v1/records/employees/${encodeURIComponent(id)}`;

    const stored = await ask(path, { method: 'PUT', body: { fields: { first_name: 'Ada' } } });

    expect([stored.status, JSON.parse(stored.text)]).toEqual([
      202,
      expect.objectContaining({ external_id: id }),
    ]);
    expect((await ask(path)).status).toBe(200);
  },
);

it('an event of the stream arrives while the response goes on, with buffering and gzip on', async () => {
  const response = await open('/v1/stream', { headers: { 'Accept-Encoding': 'gzip' } });
  stops.push(() => response.destroy());
  expect([response.statusCode, response.headers['content-encoding']]).toEqual([200, 'gzip']);
  let text = '';
  response
    .pipe(createGunzip({ flush: constants.Z_SYNC_FLUSH }))
    .setEncoding('utf8')
    .on('data', (chunk: string) => (text += chunk))
    .on('error', () => undefined);

  const { id } = await givenIntegration(tenant);

  await eventually(async () => expect(text).toContain(id));
});

it('an answer is compressed and complete', async () => {
  const plain = await ask('/openapi.json');
  const packed = await ask('/openapi.json', { headers: { 'Accept-Encoding': 'gzip' } });

  expect(packed.headers['content-encoding']).toBe('gzip');
  expect(packed.raw.length * 3).toBeLessThan(plain.raw.length);
  expect(packed.text).toBe(plain.text);
});

it('a long wait ends with 202 before nginx gives up', async () => {
  const { integration } = await givenOnboarded(service, tenant);

  const answer = await ask(`/v1/integrations/${integration.id}/overviews`, { method: 'POST', body: {} });

  expect(answer.status).toBe(202);
});

it('after a 504 of an impatient nginx the same Idempotency-Key follows the same overview', async () => {
  const impatient = await startNginx(server.port, (conf) =>
    conf.replace('read_timeout 60s', 'read_timeout 1s'),
  );
  stops.push(() => impatient.stop());
  const worker = await givenOnboarded(service, tenant);
  const path = `/v1/integrations/${worker.integration.id}/sync-now`;
  const call = { method: 'POST', body: {}, headers: { 'Idempotency-Key': 'one' } };

  const given = await ask(path, { ...call, port: impatient.port });
  expect([given.status, given.headers['content-type']]).toEqual([504, 'text/html']);
  await worker.run();
  const repeated = await ask(path, { ...call, port: impatient.port });

  expect(repeated.status).toBe(200);
  const operations = await worker.work(({ trx }) =>
    trx.selectFrom('operations').select('kind').where('kind', '=', 'sync_now').execute(),
  );
  expect(operations).toHaveLength(1);
});

it('the audit log names the address of the caller, not one that the caller wrote', async () => {
  await ask('/v1/people', {
    method: 'POST',
    body: { name: 'Ada', email: 'ada@nginx.example', role: 'viewer' },
    headers: { 'X-Forwarded-For': '203.0.113.9' },
  });

  const { body } = await tenant.admin.get('/v1/audit-log').expect(200);
  expect(body.data[0]).toMatchObject({ action: 'person.created', ip: '127.0.0.1' });
});

it("an invitation's link survives GET, HEAD and OPTIONS of mail scanners (B36)", async () => {
  const { body } = await tenant.admin
    .post('/v1/people', { name: 'Bob', email: 'bob@nginx.example', role: 'viewer' })
    .expect(201);
  const { pathname } = new URL(body.invitation.link);
  for (const method of ['GET', 'HEAD', 'OPTIONS']) await ask(pathname, { method });

  const chosen = await ask('/console/v1/passwords', {
    method: 'POST',
    body: { token: body.invitation.token, password: 'a long enough password' },
  });

  expect(chosen.status).toBe(200);
});
