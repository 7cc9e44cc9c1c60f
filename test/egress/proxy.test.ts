/** What operators see whose network has one way out: an HTTP proxy (B42), and private authorities (B57). */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import net, { type AddressInfo, type Socket } from 'node:net';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { EgressPolicy } from '../../egress/egress-policy';
import { closeConnections, createHttpClient } from '../../egress/http-client';
import { createSocketOpener } from '../../egress/socket-opener';
import { createWebhookSender } from '../../egress/webhook-sender';
import { loadWorkerConfig } from '../../runtime/config';
import { makeSelfSigned } from '../support/servers/self-signed';

const { key, cert } = makeSelfSigned();
const never = new AbortController().signal;
const stops: (() => unknown)[] = [];
let target: { port: number };
let proxy: Proxy;
beforeEach(async () => {
  target = await listen(createTlsServer({ key, cert }, (_request, response) => response.end('from there')));
  proxy = await startProxy();
});
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

async function listen(server: net.Server | Server): Promise<{ port: number }> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  stops.push(() => {
    if ('closeAllConnections' in server) server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return { port: (server.address() as AddressInfo).port };
}

interface Proxy {
  url: string;
  asked: { target: string | undefined; authorization: string | undefined }[];
  /** The answer to CONNECT: a status. */
  status: number;
}

/** Connects every target to the one server of the test. */
async function startProxy(): Promise<Proxy> {
  const started: Proxy = { url: '', asked: [], status: 200 };
  const sockets = new Set<Socket>();
  const server = createServer();
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    started.asked.push({ target: request.url, authorization: request.headers['proxy-authorization'] });
    if (started.status !== 200) return socket.end(`HTTP/1.1 ${started.status} No\r\n\r\n`);
    const onward = net.connect(target.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    sockets.add(onward.on('error', () => undefined));
    return undefined;
  });
  const { port } = await listen(server);
  stops.push(() => sockets.forEach((socket) => socket.destroy()));
  started.url = `http://127.0.0.1:${port}`;
  return started;
}

const policyWith = (more: Partial<EgressPolicy> = {}): EgressPolicy => {
  const policy: EgressPolicy = {
    allowCidrs: [],
    allowHttp: false,
    proxy: proxy.url,
    ca: cert,
    resolve: (_name, callback) => callback(null, [{ address: '93.184.216.34', family: 4 }]),
    ...more,
  };
  stops.push(() => closeConnections(policy));
  return policy;
};
const get = (url: string, policy: EgressPolicy) =>
  createHttpClient({ policy, hosts: [new URL(url).host], signal: never, timeoutMs: 5_000 }).send({
    method: 'GET',
    url,
  });

describe('with EGRESS_PROXY', () => {
  it('a third party is called through the proxy, which gets the name, and TLS verifies the name', async () => {
    expect((await get('https://localhost/', policyWith())).text).toBe('from there');
    expect(proxy.asked).toEqual([{ target: 'localhost:443', authorization: undefined }]);

    await expect(get('https://other.example/', policyWith())).rejects.toThrow(/certificate is not trusted/);
  });

  it('the proxy gets the user and password of its address, decoded', async () => {
    const url = proxy.url.replace('http://', 'http://sync:p%40ss@');

    await get('https://localhost/', policyWith({ proxy: url }));

    const sent = proxy.asked[0]?.authorization?.replace('Basic ', '') ?? '';
    expect(Buffer.from(sent, 'base64').toString()).toBe('sync:p@ss');
  });

  it('webhooks and sockets of database connectors go through it, too', async () => {
    const sender = createWebhookSender({ policy: policyWith() });
    stops.push(() => sender.close());
    const send = sender.to({ url: 'https://localhost:8443/hook', secrets: [] }, never);
    expect(await send({ id: 'evt_1', at: new Date(), body: '{}' })).toMatchObject({
      status: 200,
      error: null,
    });

    const hosts = ['db.example.com:5432'];
    const opener = createSocketOpener({ policy: policyWith(), hosts, signal: never });
    const socket = await opener.open({ host: 'db.example.com', port: 5432 });
    socket.destroy();

    expect(proxy.asked.map((one) => one.target)).toEqual(['localhost:8443', 'db.example.com:5432']);
  });

  it('a connection through it outlives the time that it had to open', async () => {
    const opener = createSocketOpener({
      policy: policyWith(),
      hosts: ['db.example.com:5432'],
      signal: never,
      timeoutMs: 300,
    });
    const socket = await opener.open({ host: 'db.example.com', port: 5432 });
    await new Promise((resolve) => setTimeout(resolve, 500));

    expect(socket.destroyed).toBe(false);
    socket.destroy();
  });

  it('a name that only the proxy can resolve is left to the proxy', async () => {
    const policy = policyWith({ resolve: (_name, callback) => callback(new Error('ENOTFOUND'), []) });

    expect((await get('https://localhost/', policy)).status).toBe(200);
  });

  it('a name that leaves EGRESS_ALLOW_CIDRS between two lookups is not reached past the proxy', async () => {
    const answers = ['127.0.0.1', '93.184.216.34'];
    const rebinding = (): EgressPolicy => {
      let asked = 0;
      return policyWith({
        allowCidrs: ['127.0.0.0/8'],
        resolve: (_name, callback) =>
          callback(null, [{ address: answers[asked++] ?? '93.184.216.34', family: 4 }]),
      });
    };
    const opener = createSocketOpener({
      policy: rebinding(),
      hosts: ['db.example.com:5432'],
      signal: never,
      timeoutMs: 300,
    });

    await expect(get('https://rebinding.example/', rebinding())).rejects.toThrow(/Blocked by policy/);
    await expect(opener.open({ host: 'db.example.com', port: 5432 })).rejects.toThrow(/Blocked by policy/);
    expect(proxy.asked).toEqual([]);
  });

  it('a network of EGRESS_ALLOW_CIDRS is reached without it', async () => {
    const policy = policyWith({
      allowCidrs: ['127.0.0.0/8'],
      allowHttp: true,
      resolve: (_name, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
    });

    expect((await get(`https://localhost:${target.port}/`, policy)).text).toBe('from there');
    expect(proxy.asked).toEqual([]);
  });

  it.each(['10.0.0.5', '169.254.169.254', '127.0.0.1', '::1', 'fd00::1'])(
    'a name that resolves here to %s is refused before the proxy is asked',
    async (address) => {
      const policy = policyWith({
        resolve: (_name, callback) => callback(null, [{ address, family: net.isIP(address) }]),
      });

      await expect(get('https://localhost/', policy)).rejects.toThrow('the address is not public');
      expect(proxy.asked).toEqual([]);
    },
  );

  it.each(['https://10.0.0.5/', 'https://[::1]/', 'https://2130706433/', 'https://169.254.169.254/'])(
    'the literal address %s is refused before the proxy is asked',
    async (url) => {
      await expect(get(url, policyWith())).rejects.toThrow('the address is not public');
      expect(proxy.asked).toEqual([]);
    },
  );

  it.each([
    [407, 'the egress proxy of Syncline wants other credentials'],
    [403, 'the egress proxy of Syncline does not allow the connection'],
    [502, 'it did not accept the connection of the egress proxy'],
  ])('after %i of the proxy the error names the proxy and no address', async (status, words) => {
    proxy.status = status;

    const refused = get('https://localhost/', policyWith());

    await expect(refused).rejects.toMatchObject({ kind: 'unavailable' });
    await expect(refused).rejects.toThrow(`The third party did not respond completely: ${words}.`);
  });

  it('a proxy that is down is named', async () => {
    const { port } = await listen(net.createServer((socket) => socket.destroy()));

    await expect(
      get('https://localhost/', policyWith({ proxy: `http://127.0.0.1:${port}` })),
    ).rejects.toThrow('the egress proxy of Syncline does not answer');
  });
});

it('without EGRESS_CA_FILE a private authority is not trusted, with it public ones still are', async () => {
  await expect(get('https://localhost/', policyWith({ ca: undefined }))).rejects.toThrow(
    /certificate is not trusted/,
  );
});

describe('the settings', () => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'syncline-ca-'));
  afterAll(() => fs.rmSync(folder, { recursive: true }));
  const write = (name: string, text: string) => {
    fs.writeFileSync(path.join(folder, name), text);
    return path.join(folder, name);
  };
  const load = (more: NodeJS.ProcessEnv) =>
    loadWorkerConfig({ DATABASE_URL: 'postgres://a@b/c', ENCRYPTION_KEYS: 'k1:x', ...more }).egress;

  it('are read at the start', () => {
    expect(load({ EGRESS_PROXY: 'http://proxy:3128', EGRESS_CA_FILE: write('ca.pem', cert) })).toMatchObject({
      proxy: 'http://proxy:3128',
      ca: cert,
    });
  });

  it.each([
    ['EGRESS_PROXY must be', { EGRESS_PROXY: 'proxy:3128' }],
    ['EGRESS_PROXY must be', { EGRESS_PROXY: 'socks5://proxy:1080' }],
    ['EGRESS_PROXY must have no path', { EGRESS_PROXY: 'http://proxy:3128/pac' }],
    ['EGRESS_CA_FILE cannot be read', { EGRESS_CA_FILE: '/nowhere/ca.pem' }],
    ['which holds no certificate', { EGRESS_CA_FILE: write('empty.pem', 'nothing') }],
  ])('are refused with a message that says how to correct them: %s', (message, environment) => {
    expect(() => load(environment)).toThrow(message);
  });
});
