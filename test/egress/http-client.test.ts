import { type RequestListener, type Server, createServer } from 'node:http';
import { type AddressInfo, type Server as TcpServer, createServer as createTcpServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { Unavailable } from '../../connectors/errors';
import { BlockedByPolicy, type EgressPolicy, type ResolvedAddress } from '../../egress/egress-policy';
import { createEgressConnect } from '../../egress/egress-connect';
import { closeConnections, createHttpClient } from '../../egress/http-client';

const open: EgressPolicy = { allowCidrs: ['127.0.0.0/8'], allowHttp: true };
const closed: EgressPolicy = { allowCidrs: [], allowHttp: true };
const never = new AbortController().signal;

const servers: (Server | TcpServer)[] = [];
const policies: EgressPolicy[] = [open, closed];

afterEach(async () => {
  await Promise.all(policies.map(closeConnections));
  for (const server of servers.splice(0)) {
    if ('closeAllConnections' in server) server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function listen(server: Server | TcpServer): Promise<number> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const serve = (answer: RequestListener) => listen(createServer(answer));

/** A server that only counts who knocks. */
async function canary(): Promise<{ port: number; connections: () => number }> {
  let connections = 0;
  const port = await listen(
    createTcpServer((socket) => {
      connections += 1;
      socket.destroy();
    }),
  );
  return { port, connections: () => connections };
}

function send(
  url: string,
  options: { policy?: EgressPolicy; hosts?: string[]; timeoutMs?: number; signal?: AbortSignal } = {},
) {
  const { policy = open, hosts = [new URL(url).host], timeoutMs = 5_000, signal = never } = options;
  return createHttpClient({ policy, hosts, timeoutMs, signal }).send({ method: 'GET', url });
}

function resolvingTo(...answers: ResolvedAddress[][]): EgressPolicy & { asked: () => number } {
  let asked = 0;
  const policy: EgressPolicy & { asked: () => number } = {
    ...closed,
    resolve: (_name, callback) =>
      callback(null, answers[Math.min(asked++, answers.length - 1)] as ResolvedAddress[]),
    asked: () => asked,
  };
  policies.push(policy);
  return policy;
}

const v4 = (address: string): ResolvedAddress => ({ address, family: 4 });

const NOT_HTTP = {
  kind: 'record_rejected',
  errors: [{ code: 'not_http' }],
  message: expect.stringContaining('scheme (http or https) and the port') as string,
};

describe('an exchange', () => {
  it('sends method, headers and body, and answers status, headers and text', async () => {
    const port = await serve((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        response.writeHead(201, { 'X-Two': ['a', 'b'], ETag: 'W/"1"' });
        response.end(
          JSON.stringify({ method: request.method, token: request.headers['authorization'], body }),
        );
      });
    });
    const client = createHttpClient({ policy: open, hosts: [`127.0.0.1:${port}`], signal: never });

    const response = await client.send({
      method: 'PATCH',
      url: `http://127.0.0.1:${port}/x`,
      headers: { Authorization: 'Bearer t' },
      body: 'häß 🙂',
    });

    expect(response).toMatchObject({ status: 201, headers: { etag: 'W/"1"', 'x-two': 'a, b' } });
    expect(JSON.parse(response.text)).toEqual({ method: 'PATCH', token: 'Bearer t', body: 'häß 🙂' });
  });

  it('decodes characters split between two chunks, and removes a byte order mark', async () => {
    const bytes = Buffer.from('\uFEFFhäß 🙂');
    const port = await serve((_request, response) => {
      response.write(bytes.subarray(0, bytes.length - 2));
      setTimeout(() => response.end(bytes.subarray(bytes.length - 2)), 20);
    });

    await expect(send(`http://127.0.0.1:${port}/`)).resolves.toMatchObject({ text: 'häß 🙂' });
  });

  it.each<[string, string, Buffer, string]>([
    ['ISO-8859-1', 'application/json; charset=ISO-8859-1', Buffer.from('Müller', 'latin1'), 'Müller'],
    ['a quoted charset', 'text/plain;Charset="windows-1250"', Buffer.from([0xa3, 0xf3, 0x64, 0x9f]), 'Łódź'],
    ['Shift_JIS', 'text/csv; header=present; charset=Shift_JIS', Buffer.from([0x93, 0x63]), '田'],
    ['UTF-16 by its mark', 'application/json', Buffer.from('\uFEFFŁ', 'utf16le'), 'Ł'],
    ['UTF-8 by its mark', 'text/plain; charset=latin1', Buffer.from('\uFEFFü'), 'ü'],
    ['no charset', 'application/json', Buffer.from('ü🙂'), 'ü🙂'],
  ])('decodes a body in %s', async (_name, contentType, bytes, text) => {
    const port = await serve((_request, response) => {
      response.setHeader('content-type', contentType).end(bytes);
    });

    await expect(send(`http://127.0.0.1:${port}/`)).resolves.toMatchObject({ text });
  });

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['gzip', gzipSync],
    ['X-GZIP', gzipSync],
    ['deflate', deflateSync],
    ['deflate', deflateRawSync],
    ['br', brotliCompressSync],
    ['identity', (bytes) => bytes],
    ['gzip, br', (bytes) => brotliCompressSync(gzipSync(bytes))],
  ])('decompresses %s that it did not ask for', async (encoding, compress) => {
    const port = await serve((request, response) => {
      expect(request.headers['accept-encoding']).toBeUndefined();
      response.setHeader('content-encoding', encoding).end(compress(Buffer.from('{"name":"Müller"}')));
    });

    await expect(send(`http://127.0.0.1:${port}/`)).resolves.toMatchObject({ text: '{"name":"Müller"}' });
  });

  it('reads an empty body that claims to be compressed', async () => {
    const port = await serve((_request, response) => {
      response.writeHead(204, { 'content-encoding': 'gzip' }).end();
    });

    await expect(send(`http://127.0.0.1:${port}/`)).resolves.toMatchObject({ status: 204, text: '' });
  });

  it('shares its connections with other clients of the same policy', async () => {
    let connections = 0;
    const server = createServer((_request, response) => response.end('ok')).on(
      'connection',
      () => (connections += 1),
    );
    const port = await listen(server);

    for (let turn = 0; turn < 5; turn += 1) await send(`http://127.0.0.1:${port}/`);

    // A connection is idle again a moment after its answer was read.
    expect(connections).toBeLessThanOrEqual(2);
  });

  it('reaches a name whose checked addresses include one that answers', async () => {
    const port = await serve((_request, response) => response.end('ok'));
    const policy: EgressPolicy = {
      ...open,
      resolve: (_name, callback) => callback(null, [v4('127.0.0.2'), v4('127.0.0.1')]),
    };
    policies.push(policy);

    await expect(send(`http://hr.example.com:${port}/`, { policy })).resolves.toMatchObject({
      status: 200,
      text: 'ok',
    });
  });

  it('S11 does not follow a redirect', async () => {
    const target = await canary();
    for (const status of [301, 302, 303, 307, 308]) {
      const port = await serve((_request, response) =>
        response.writeHead(status, { location: `http://127.0.0.1:${target.port}/` }).end(),
      );

      await expect(send(`http://127.0.0.1:${port}/`)).resolves.toMatchObject({ status });
    }

    expect(target.connections()).toBe(0);
  });

  it('does not use a proxy from the environment', async () => {
    const proxy = await canary();
    const port = await serve((_request, response) => response.end('direct'));
    process.env['HTTP_PROXY'] =
      process.env['http_proxy'] =
      process.env['ALL_PROXY'] =
        `http://127.0.0.1:${proxy.port}`;
    process.env['NODE_USE_ENV_PROXY'] = '1';

    const response = await send(`http://127.0.0.1:${port}/`);

    for (const name of ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'NODE_USE_ENV_PROXY'])
      delete process.env[name];
    expect(response.text).toBe('direct');
    expect(proxy.connections()).toBe(0);
  });
});

describe('an incomplete answer becomes Unavailable', () => {
  it('S10 when the headers do not come', async () => {
    const port = await serve(() => {});

    await expect(send(`http://127.0.0.1:${port}/`, { timeoutMs: 200 })).rejects.toThrow(
      'no complete response within 0.2 s',
    );
  });

  it('S10 when the body drips', async () => {
    const port = await serve((_request, response) => {
      const timer = setInterval(() => response.write('x'), 20);
      response.on('close', () => clearInterval(timer));
    });

    await expect(send(`http://127.0.0.1:${port}/`, { timeoutMs: 300 })).rejects.toBeInstanceOf(Unavailable);
  });

  it('S10 when the body never ends', async () => {
    let written = 0;
    const port = await serve((_request, response) => {
      const chunk = 'x'.repeat(64 * 1024);
      const write = () => {
        while (!response.destroyed && response.write(chunk)) written += chunk.length;
      };
      response.on('drain', write);
      write();
    });

    await expect(send(`http://127.0.0.1:${port}/`)).rejects.toThrow('larger than 1048576 bytes');
    expect(written).toBeLessThan(16 * 1024 * 1024);
  });

  it('S10 when it is larger than what the request asked for, which is never more than 16 MiB', async () => {
    const MIB = 1024 * 1024;
    const port = await serve((request, response) =>
      response.end('x'.repeat(Number(request.headers['x-bytes']))),
    );
    const client = createHttpClient({ policy: open, hosts: [`127.0.0.1:${port}`], signal: never });
    const ask = (bytes: number, responseBytesMax?: number) =>
      client.send({
        method: 'GET',
        url: `http://127.0.0.1:${port}/`,
        headers: { 'x-bytes': String(bytes) },
        ...(responseBytesMax !== undefined && { responseBytesMax }),
      });

    expect((await ask(MIB)).text).toHaveLength(MIB);
    await expect(ask(MIB + 1)).rejects.toThrow('larger than 1048576 bytes');
    expect((await ask(3 * MIB, 3 * MIB)).text).toHaveLength(3 * MIB);
    await expect(ask(3 * MIB + 1, 3 * MIB)).rejects.toThrow('larger than 3145728 bytes');
    await expect(ask(100, 99)).rejects.toThrow('larger than 99 bytes');
    expect((await ask(16 * MIB, 64 * MIB)).text).toHaveLength(16 * MIB);
    await expect(ask(16 * MIB + 1, 64 * MIB)).rejects.toThrow('larger than 16777216 bytes');
  });

  it('S10 when a small response is large once decompressed', async () => {
    const bomb = gzipSync(Buffer.alloc(32 * 1024 * 1024));
    const port = await serve((_request, response) => {
      response.setHeader('content-encoding', 'gzip').end(bomb);
    });

    await expect(send(`http://127.0.0.1:${port}/`)).rejects.toThrow('larger than 1048576 bytes');
  });

  it.each<[string, Record<string, string>, Buffer, string]>([
    ['bytes that are not UTF-8', {}, Buffer.from('Müller', 'latin1'), 'bytes that are not utf-8'],
    [
      'half a character',
      { 'content-type': 'a/b; charset=utf-8' },
      Buffer.from('ü').subarray(0, 1),
      'not utf-8',
    ],
    ['an unknown charset', { 'content-type': 'a/b; charset=klingon' }, Buffer.from('x'), 'a charset that'],
    ['an unknown encoding', { 'content-encoding': 'pack200-gzip' }, Buffer.from('x'), 'a content encoding'],
    ['a cut gzip', { 'content-encoding': 'gzip' }, gzipSync('whole').subarray(0, 12), 'be decompressed'],
    ['no gzip', { 'content-encoding': 'gzip' }, Buffer.from('plain'), 'be decompressed'],
    [
      'gzip four times',
      { 'content-encoding': 'gzip,gzip,gzip,gzip' },
      gzipSync(''),
      'compressed too many times',
    ],
  ])('when its body is %s', async (_name, headers, bytes, message) => {
    const port = await serve((_request, response) => {
      response.writeHead(200, headers).end(bytes);
    });

    const failure = send(`http://127.0.0.1:${port}/`);

    await expect(failure).rejects.toBeInstanceOf(Unavailable);
    await expect(failure).rejects.toThrow(message);
  });

  it('S10 when the connection is cut in the middle of the body', async () => {
    const port = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('half', () => response.destroy());
    });

    await expect(send(`http://127.0.0.1:${port}/`)).rejects.toThrow('closed the connection');
  });

  it('when no server listens, with an error that does not contain the address', async () => {
    const server = createServer();
    const port = await listen(server);
    await new Promise((resolve) => server.close(resolve));
    servers.splice(servers.indexOf(server), 1);

    const error = await send(`http://127.0.0.1:${port}/`).catch((reason: unknown) => reason as Error);

    expect(error).toBeInstanceOf(Unavailable);
    expect((error as Error).message).toBe(
      'The third party did not respond completely: it refused the connection.',
    );
  });

  it('when the server speaks no TLS, with an error that asks for another scheme', async () => {
    const port = await serve((_request, response) => response.end('plain'));

    await expect(send(`https://127.0.0.1:${port}/`)).rejects.toMatchObject(NOT_HTTP);
  });

  it.each([
    ['a banner at once', 'SSH-2.0-OpenSSH_9.6\r\n', true],
    ['a banner after the request', '220 mail.example ESMTP\r\n', false],
    ['an error of its own protocol', "-ERR unknown command 'GET'\r\n", false],
    ['bytes', '\u0015\u0003\u0001\u0000\u0002\u0002\u0028', false],
  ])('when the server answers with %s instead of HTTP', async (_title, words, isAtOnce) => {
    const port = await listen(
      createTcpServer((socket) => {
        socket.on('error', () => {});
        if (isAtOnce) socket.resume().end(words);
        else socket.once('data', () => socket.end(words));
      }),
    );

    await expect(send(`http://127.0.0.1:${port}/`)).rejects.toMatchObject(NOT_HTTP);
  });

  it('when a body is broken, which can happen again or not', async () => {
    const port = await listen(
      createTcpServer((socket) =>
        socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n')),
      ),
    );

    await expect(send(`http://127.0.0.1:${port}/`)).rejects.toBeInstanceOf(Unavailable);
  });

  it('when the name has no address', async () => {
    await expect(send('http://missing.invalid/', { policy: resolvingTo([]) })).rejects.toBeInstanceOf(
      Unavailable,
    );
  });

  it('when the worker stops, before and during an exchange', async () => {
    const port = await serve(() => {});
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 100);

    await expect(send(`http://127.0.0.1:${port}/`, { signal: AbortSignal.abort() })).rejects.toThrow(
      'the worker is stopping',
    );
    await expect(send(`http://127.0.0.1:${port}/`, { signal: stop.signal })).rejects.toThrow(
      'the worker is stopping',
    );
  });

  it('when a header cannot be sent', async () => {
    const client = createHttpClient({ policy: open, hosts: ['127.0.0.1:1'], signal: never });

    await expect(
      client.send({ method: 'GET', url: 'http://127.0.0.1:1/', headers: { authorization: 'a\r\nb' } }),
    ).rejects.toBeInstanceOf(Unavailable);
  });
});

describe('the egress policy', () => {
  it.each([
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '①②⑦.⓪.⓪.①',
    '[::ffff:127.0.0.1]',
    '0.0.0.0',
    '0',
  ])('S12 allows no connection to %s', async (host) => {
    const target = await canary();

    await expect(send(`http://${host}:${target.port}/`, { policy: closed })).rejects.toThrow(
      'Blocked by policy',
    );

    expect(target.connections()).toBe(0);
  });

  it('S12 allows no connection by a name', async () => {
    const target = await canary();

    await expect(send(`http://localhost:${target.port}/`, { policy: closed })).rejects.toThrow(
      'Blocked by policy',
    );

    expect(target.connections()).toBe(0);
  });

  it('S13 refuses a name of which any one address is private', async () => {
    const target = await canary();
    const policy = resolvingTo([v4('93.184.216.34'), v4('127.0.0.1')]);

    await expect(send(`http://mixed.example.com:${target.port}/`, { policy })).rejects.toThrow(
      'Blocked by policy: the address is not public.',
    );

    expect(target.connections()).toBe(0);
  });

  it('S13 refuses a name that was public the first time and is private the second', async () => {
    const target = await canary();
    // 127.0.0.2 represents the public address: allowed, but no server answers there.
    const policy = { ...resolvingTo([v4('127.0.0.2')], [v4('127.0.0.1')]), allowCidrs: ['127.0.0.2/32'] };
    policies.push(policy);

    await expect(send(`http://rebound.example.com:${target.port}/`, { policy })).rejects.toThrow(
      'refused the connection',
    );
    await expect(send(`http://rebound.example.com:${target.port}/`, { policy })).rejects.toThrow(
      'Blocked by policy',
    );

    expect(target.connections()).toBe(0);
  });

  it('S13 resolves a name once per connection and connects to what was checked', async () => {
    const port = await serve((_request, response) => response.end('ok'));
    const resolving = resolvingTo([v4('127.0.0.1')], [v4('10.0.0.1')]);
    const policy = { ...resolving, allowCidrs: ['127.0.0.1/32'] };
    policies.push(policy);

    await expect(send(`http://once.example.com:${port}/`, { policy })).resolves.toMatchObject({ text: 'ok' });

    expect(resolving.asked()).toBe(1);
  });

  it.each(['127.0.0.1', '::1', '::ffff:127.0.0.1'])(
    'S12 is enforced at the socket too, whatever the form of the URL: %s',
    async (hostname) => {
      const target = await canary();

      const refusal = await new Promise((resolve) =>
        createEgressConnect(closed)(
          { hostname, host: hostname, protocol: 'http:', port: String(target.port) },
          (...[error]) => resolve(error),
        ),
      );

      expect(refusal).toBeInstanceOf(BlockedByPolicy);
      expect(target.connections()).toBe(0);
    },
  );

  it('verifies TLS for the name, not for the address of the connection', async () => {
    const asked: string[] = [];
    const port = await listen(
      createTlsServer({
        SNICallback: (name, callback) => {
          asked.push(name);
          callback(new Error('no certificate here'));
        },
      }),
    );
    const policy = { ...resolvingTo([v4('127.0.0.1')]), allowCidrs: ['127.0.0.1/32'] };
    policies.push(policy);

    await expect(send(`https://hr.example.com:${port}/`, { policy })).rejects.toBeInstanceOf(Unavailable);

    expect(asked).toEqual(['hr.example.com']);
  });

  it('allows no connection to a host that the configuration does not name', async () => {
    const target = await canary();

    await expect(
      send(`http://127.0.0.1:${target.port}/`, { hosts: ['hr.example.com', `127.0.0.1:${target.port + 1}`] }),
    ).rejects.toThrow('Blocked by policy');

    expect(target.connections()).toBe(0);
  });
});
