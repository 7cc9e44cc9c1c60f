/**
 * What no well-meaning caller sends, at the real socket of the real process (rules.md S1 to S3, S5, S6), and
 * addresses that must not be reached (S12, S13). `test/api` has the full tables; here it is the whole way,
 * from the socket to the row.
 */
import fs from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { ledgerIntegration, type LedgerServer, startLedgerServer } from '../support/servers/ledger-server';
import { type Product, type ProductTenant, startProduct } from '../support/environments/product';
import { type RawAnswer, sendRaw } from '../support/clients/raw-http';
import { until } from '../support/until';

const JSON_TYPE = 'Content-Type: application/json';
let product: Product;
let tenant: ProductTenant;
let other: ProductTenant;
let ledger: LedgerServer;
let port: number;

/** A request for the tenant; `headers` are whole lines. */
function request(
  method: string,
  path: string,
  { headers = [JSON_TYPE], body = '' }: { headers?: string[]; body?: string | Buffer } = {},
): Buffer {
  const lines = [
    `${method} ${path} HTTP/1.1`,
    'Host: syncline',
    `Authorization: Bearer ${tenant.key}`,
    'Connection: close',
    ...headers,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), Buffer.from(body)]);
}

function expectProblem(answer: RawAnswer, status: number): void {
  expect({ status: answer.status, type: /content-type: ([^\r;]*)/.exec(answer.headers)?.[1] }).toEqual({
    status,
    type: 'application/problem+json',
  });
  expect(JSON.parse(answer.body)).toMatchObject({
    status,
    code: expect.any(String),
    detail: expect.any(String),
    request_id: expect.any(String),
  });
  expect(answer.body).not.toMatch(/node_modules|\.ts:\d|at \w+ \(/);
}

const rssMb = (): number =>
  Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${product.apiPid()}/status`, 'utf8'))?.[1]) / 1_024;

beforeAll(async () => {
  ledger = await startLedgerServer();
  product = await startProduct();
  [tenant, other] = await Promise.all([product.givenTenant(), product.givenTenant('Other')]);
  port = Number(new URL(product.apiUrl).port);
});

afterAll(async () => {
  await product?.stop();
  await ledger?.stop();
});

describe('S1 to S3: bodies, paths and headers that cannot be taken', () => {
  const path = '/v1/records/employees/hostile';
  const put = (body: string | Buffer, headers = [JSON_TYPE]) => request('PUT', path, { headers, body });
  const field = (value: string) => `{"fields":{"a":${value}}}`;
  const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

  it.each<[string, number, () => Buffer]>([
    ['JSON that is cut off', 400, () => put('{"fields":')],
    ['a body that is not an object', 400, () => put('"text"')],
    ['no content type', 415, () => put(field('1'), [])],
    ['another content type', 415, () => put(field('1'), ['Content-Type: text/plain'])],
    ['another character set', 415, () => put(field('1'), ['Content-Type: application/json; charset=utf-7'])],
    [
      'a compressed body',
      415,
      () => put(gzipSync(Buffer.alloc(10_000_000)), [JSON_TYPE, 'Content-Encoding: gzip']),
    ],
    ['a body of more than 256 KB', 413, () => put(field(`"${'x'.repeat(300_000)}"`))],
    ['a method that the route does not have', 405, () => request('POST', path, { body: '{}' })],
    ['an invalid escape', 400, () => request('GET', '/v1/records/employees/%E0%A4%A')],
    ['NUL in a body', 400, () => put(field('"a\\u0000b"'))],
    ['NUL in a path', 400, () => request('GET', '/v1/records/employees/a%00b')],
    ['NUL in a query', 400, () => request('GET', '/v1/pushes?cursor=a%00b')],
    ['NUL in a header', 400, () => request('GET', path, { headers: ['X-Test: a\0b'] })],
    ['half a surrogate pair', 400, () => put(field('"\\ud800"'))],
    [
      'bytes that are no UTF-8',
      400,
      () => put(Buffer.concat([Buffer.from('{"fields":{"a":"'), Buffer.from([0xff]), Buffer.from('"}}')])),
    ],
    ['a number beyond all numbers', 400, () => put(field('1e400'))],
    ['an integer that would be rounded', 400, () => put(field('9007199254740993'))],
    ['nesting without end', 400, () => put(field(nested(20_000)))],
    ['a key of JavaScript itself', 400, () => put('{"fields":{"__proto__":{"a":1}}}')],
    ['an unknown key', 400, () => put('{"fields":{},"tenant_id":"ten_1"}')],
    ['headers that are no HTTP', 400, () => Buffer.from('GET / HTTP/1.1\r\nHost\r\n\r\n')],
    [
      'headers of a megabyte',
      431,
      () => request('GET', path, { headers: [`X-Test: ${'x'.repeat(1_000_000)}`] }),
    ],
  ])('refuses %s', async (_what, status, bytes) => {
    const answer = await sendRaw(port, bytes()).catch((error: unknown) => error as Error);

    // What is far too large may be cut off before all of it was sent, and the answer with it.
    if (status !== 431 || !('code' in answer)) expectProblem(answer as RawAnswer, status);
    expect((await tenant.api.call('GET', path)).status).toBe(404); // nothing of it was kept
    expect(product.isApiRunning()).toBe(true);
  });

  it('uses little memory while forty bodies of 10 MB arrive at once', async () => {
    const before = rssMb();
    const body = put(field(`"${'x'.repeat(10_000_000)}"`));

    const answers = await Promise.all(
      Array.from({ length: 40 }, () => sendRaw(port, body).catch(() => undefined)),
    );

    expect(answers.filter((answer) => answer !== undefined && answer.status !== 413)).toEqual([]);
    expect(rssMb() - before).toBeLessThan(50);
    expect((await tenant.api.call('GET', '/livez')).status).toBe(200);
  });
});

describe("S6: another tenant's ids", () => {
  it('are answered like ids that do not exist, by every route', async () => {
    const { id } = await other.api.must(
      'POST',
      '/v1/integrations',
      ledgerIntegration(ledger.url, 'other', { grace_period_ms: 3_600_000, max_wait_ms: null }),
    );
    await other.api.put('secret', { name: 'Secret' });
    const unknownId = 'int_01h455vb4pex5vsknk084sn02q';
    const without = (text: string, integrationId: string) =>
      text.replaceAll(integrationId, '').replace(/"request_id":"[^"]*"/, '');

    for (const [method, path, body] of [
      ['GET', '/v1/integrations/ID'],
      ['PATCH', '/v1/integrations/ID', { app: 'Mine' }],
      ['DELETE', '/v1/integrations/ID'],
      ['POST', '/v1/integrations/ID/pause'],
      ['POST', '/v1/integrations/ID/check'],
      ['PUT', '/v1/integrations/ID/credentials', { credentials: { token: 'x' } }],
      ['GET', '/v1/record-syncs?integration_id=ID'],
      ['GET', '/v1/pushes?integration_id=ID'],
      ['POST', '/v1/integrations/ID/records/employees/secret/push-now'],
      ['POST', '/v1/integrations/ID/records/employees/secret/discard'],
    ] as const) {
      const headers = { 'if-match': '"1"' };
      const [otherTenants, unknown] = await Promise.all(
        [id, unknownId].map((target: string) =>
          tenant.api.call(method, path.replace('ID', target), body, headers),
        ),
      );
      expect([method, path, otherTenants?.status]).toEqual([method, path, 404]);
      expect(without(JSON.stringify(otherTenants?.body), id)).toBe(
        without(JSON.stringify(unknown?.body), unknownId),
      );
    }
    expect((await tenant.api.call('GET', '/v1/records/employees/secret')).status).toBe(404);
    expect(await other.api.sync('secret', id)).toMatchObject({ status: 'sync_pending' });
    await tenant.api.put('secret', { name: 'Mine' }); // the same external id in another tenant is another record
    expect((await other.api.record('secret')).fields).toEqual({ name: 'Secret' });
  });
});

describe('S12, S13: addresses that must not be reached', () => {
  let closed: Product;
  let closedTenant: ProductTenant;
  let connections = 0;
  const canary = net.createServer((socket) => {
    connections += 1;
    socket.destroy();
  });

  beforeAll(async () => {
    await new Promise<void>((resolve) => canary.listen(0, '127.0.0.1', resolve));
    closed = await startProduct({ env: { EGRESS_ALLOW_CIDRS: '', EGRESS_ALLOW_HTTP: 'false' } });
    closedTenant = await closed.givenTenant();
  });
  afterAll(async () => {
    await closed?.stop();
    await new Promise((resolve) => canary.close(resolve));
  });

  it.each([
    'http://hr.example.com',
    'https://127.0.0.1',
    'https://2130706433',
    'https://0x7f.1',
    'https://[::1]',
    'https://[::ffff:127.0.0.1]',
    'https://①②⑦.⓪.⓪.①',
    'https://10.0.0.1',
    'https://169.254.169.254',
    'https://100.64.0.1',
    'https://[fd00::1]',
    'https://[64:ff9b::7f00:1]',
    'https://user:secret@hr.example.com',
    'https://hr.example.com:22',
    'https://hr.example.com:6379',
    'file:///etc/passwd',
  ])('refuses %s when the integration is created', async (baseUrl) => {
    const { status, body } = await closedTenant.api.call('POST', '/v1/integrations', {
      connector: 'scim',
      config: { base_url: baseUrl },
      credentials: { token: 't' },
    });

    expect(status).toBe(422);
    expect(['egress_refused', 'invalid_config']).toContain(body.code);
  });

  it('opens no connection when a name resolves to this machine, and reports only that it is blocked', async () => {
    const { port: canaryPort } = canary.address() as AddressInfo;
    const integration = ledgerIntegration(`https://localhost:${canaryPort}`, 'main', { grace_period_ms: 0 });
    const { id } = await closedTenant.api.must('POST', '/v1/integrations', integration);
    await closedTenant.api.put('blocked', { name: 'B' });

    const blocked = await until('it is blocked', async () => {
      const shown = await closedTenant.api.must('GET', `/v1/integrations/${id}`);
      return shown.state === 'blocked' && shown;
    });
    const check = await closedTenant.api.must('POST', `/v1/integrations/${id}/check`);

    expect(blocked.blocked_detail).toMatch(/blocked by policy/i);
    expect(check).toMatchObject({
      ok: false,
      kind: 'unavailable',
      message: expect.stringMatching(/blocked by policy/i),
    });
    expect(JSON.stringify([blocked, check])).not.toMatch(/127\.0\.0\.1|::1/);
    expect(connections).toBe(0);
  });
});
