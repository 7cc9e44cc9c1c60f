/**
 * The HTTP server: slow and broken clients, forged headers, and a shutdown without a failed request (R23,
 * S2).
 */
import { once } from 'node:events';
import { Agent, request as httpRequest, type Server } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { createApp } from '../../../api/app';
import { createApiServer, drain } from '../../../api/http/server';
import { eventually, type GivenTenant, PUBLIC_URL, type Service, startService } from '../support/service';

let service: Service;
let tenant: GivenTenant;
let server: Server;
let port: number;
beforeAll(async () => {
  service = await startService();
  tenant = await service.givenTenant();
  server = createApiServer(service.app, { publicUrl: PUBLIC_URL });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  port = (server.address() as AddressInfo).port;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await service.close();
});

/** Sends bytes and answers what came back. */
async function exchangeBytes(
  bytes: string | Buffer,
): Promise<{ status: number; head: string; body: string }> {
  const socket = net.connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  socket.write(bytes);
  await once(socket, 'close');
  const [head = '', body = ''] = text.split('\r\n\r\n');
  return { status: Number(head.split(' ')[1]), head, body };
}

describe('input that is not HTTP', () => {
  it.each<[string, string, number, string]>([
    ['NUL in a header', 'GET /livez HTTP/1.1\r\nHost: x\r\nX-A: a\u0000b\r\n\r\n', 400, 'bad_request'],
    ['garbage', '\u0016\u0003\u0001\r\n\r\n', 400, 'bad_request'],
    ['no host', 'GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'bad_request'],
    [
      'two lengths',
      'PUT /v1/records/a/b HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
      'bad_request',
    ],
    [
      'a length and chunks (request smuggling)',
      'PUT /v1/records/a/b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
      'bad_request',
    ],
    [
      'a header of 1 MB',
      `GET /livez HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(1_000_000)}\r\n\r\n`,
      431,
      'header_too_large',
    ],
  ])('gets problem details: %s', async (_name, bytes, status, code) => {
    const answer = await exchangeBytes(bytes);

    expect(answer.status).toBe(status);
    expect(answer.head).toContain('application/problem+json');
    expect(JSON.parse(answer.body)).toMatchObject({
      status,
      code,
      type: `${PUBLIC_URL}/docs/errors/${code}`,
      request_id: expect.any(String),
    });
  });
});

describe('slow clients', () => {
  it('are disconnected after 10 s for the headers and 30 s for the whole, and kept alive longer than by load balancers', () => {
    expect(server).toMatchObject({
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 65_000,
      maxRequestsPerSocket: 1_000,
    });
  });

  it('get 408 as problem details', async () => {
    const quick = createApiServer(service.app, { publicUrl: PUBLIC_URL });
    quick.headersTimeout = 100;
    quick.listen(0, '127.0.0.1');
    await once(quick, 'listening');
    const socket = net.connect((quick.address() as AddressInfo).port, '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n');

    await once(socket, 'close');
    quick.close();

    expect(text).toMatch(/^HTTP\/1\.1 408 /);
    expect(text).toContain('"code":"request_timeout"');
  });
});

it('ignores an unknown Expect header instead of refusing the request', async () => {
  const answer = await exchangeBytes(
    'GET /livez HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\nConnection: close\r\n\r\n',
  );

  expect(answer.status).toBe(200);
});

describe('forged headers', () => {
  const ipFrom = async (of: Service, key: string, forwardedFor: string) => {
    const response = await of
      .as(key)
      .post('/v1/api-keys', { name: 'ip', role: 'viewer' })
      .set('X-Forwarded-For', forwardedFor)
      .set('X-Forwarded-Host', 'evil.example')
      .set('X-Forwarded-Proto', 'gopher')
      .expect(201);
    const rows = await of.database.withTenant(tenant.uuid, ({ trx }) =>
      trx
        .selectFrom('auditLog')
        .select('ip')
        .where('requestId', '=', response.headers['x-request-id'] as string)
        .execute(),
    );
    return rows[0]?.ip;
  };

  it('are accepted from trusted proxies only', async () => {
    const behindProxy = await startService({
      databaseUrl: service.databaseUrl,
      config: { trustedProxies: ['127.0.0.0/8', '::ffff:127.0.0.0/104'] },
    });

    const [untrusted, trusted] = [
      await ipFrom(service, tenant.keys.admin, '203.0.113.9'),
      await ipFrom(behindProxy, tenant.keys.admin, '203.0.113.9'),
    ];
    await behindProxy.close();

    expect(untrusted).toContain('127.0.0.1');
    expect(trusted).toBe('203.0.113.9');
  });

  it('do not evade the limit on bad keys', async () => {
    const own = await startService({ databaseUrl: service.databaseUrl });
    const statuses = [];
    for (let count = 0; count < 102; count += 1)
      statuses.push(
        (await own.as('x').get('/v1/tenant').set('X-Forwarded-For', `203.0.113.${count}`)).status,
      );
    await own.close();

    expect(statuses.at(-1)).toBe(429);
  });

  it('do not appear in any generated address', async () => {
    const response = await service
      .as(undefined)
      .get('/v1/tenant')
      .set('Host', 'evil.example')
      .set('X-Forwarded-Host', 'evil.example');

    expect(response.text).not.toContain('evil');
  });
});

describe('the log', () => {
  it('is one line of JSON per request, whatever the client sends', async () => {
    service.logged.length = 0;
    await service.as(undefined).get('/v1/%0a%1b%5b31m?x=%0a').set('X-Note', '{"level":60}');

    const lines = service.logged.join('').trimEnd().split('\n');

    expect(lines.length).toBe(service.logged.length);
    for (const line of lines) expect(() => JSON.parse(line) as unknown).not.toThrow();
    expect(lines.join('')).not.toContain('\u001b');
  });
});

describe('an end (R23)', () => {
  it('fails no request: the server answers those in progress, then closes kept-alive connections', async () => {
    const own = await startService({ databaseUrl: service.databaseUrl });
    const ending = createApiServer(createApp(own.dependencies), { publicUrl: PUBLIC_URL });
    ending.listen(0, '127.0.0.1');
    await once(ending, 'listening');
    const address = ending.address() as AddressInfo;
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    const results: { status: number; connection: string | undefined }[] = [];
    const failures: string[] = [];
    let isRunning = true;
    const send = (ready: Promise<unknown> = Promise.resolve()) =>
      new Promise<void>((resolve) => {
        const sent = httpRequest(
          {
            agent,
            port: address.port,
            method: 'PUT',
            path: '/v1/records/employees/drain',
            headers: { Authorization: `Bearer ${tenant.keys.operator}`, 'Content-Type': 'application/json' },
          },
          (response) => {
            results.push({ status: response.statusCode ?? 0, connection: response.headers.connection });
            response.resume().on('end', resolve);
          },
        );
        sent.on('error', (error) => {
          failures.push(error.message);
          resolve();
        });
        sent.flushHeaders();
        void ready.then(() => sent.end('{"fields":{}}'));
      });
    // A balancer stops sending once /readyz says no.
    const isReady = async () => {
      const status = await new Promise<number>((resolve) =>
        httpRequest({ agent: false, port: address.port, path: '/readyz' }, (response) =>
          resolve(response.resume().statusCode ?? 0),
        )
          .on('error', () => resolve(0))
          .end(),
      );
      return status === 200;
    };
    const client = async () => {
      while (isRunning) await send();
    };
    const balancer = async () => {
      while (await isReady()) await new Promise((resolve) => setTimeout(resolve, 20));
      isRunning = false;
    };
    const traffic = [balancer(), ...Array.from({ length: 4 }, client)];
    await eventually(async () => expect(results.length).toBeGreaterThan(20));

    // The body of one request arrives only when the server has begun to close connections.
    let sendBody = (): void => {};
    const lateRequest = send(new Promise<void>((resolve) => (sendBody = resolve)));
    const stream = {
      ...own.stream,
      close: async () => {
        await own.stream.close();
        setImmediate(sendBody);
      },
    };
    await drain({ server: ending, readiness: own.readiness, stream, pauseMs: 300 });
    await Promise.all([...traffic, lateRequest]);
    await own.close();
    agent.destroy();

    expect(failures).toEqual([]);
    expect(new Set(results.map(({ status }) => status))).toEqual(new Set([202]));
    expect(results.at(-1)?.connection).toBe('close');
  });
});
