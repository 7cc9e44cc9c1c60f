/** One attempt against receivers that behave oddly: rules.md 44, S10 to S13. */
import { createServer, type RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import type { EgressPolicy, ResolvedAddress } from '../../egress/egress-policy';
import { createWebhookSender, type WebhookAnswer, type WebhookSender } from '../../egress/webhook-sender';
import { BROKEN, OddReceivers, SILENT } from '../support/servers/odd-receivers';
import { until } from '../support/until';
import { newWebhookSecret } from '../support/fakes/webhooks';

const open: EgressPolicy = { allowCidrs: ['127.0.0.0/8'], allowHttp: true };
const secret = newWebhookSecret();
const receivers = new OddReceivers();
const senders: WebhookSender[] = [];

afterEach(async () => {
  await Promise.all(senders.splice(0).map((sender) => sender.close()));
  await receivers.close();
});

const serve = (answer: RequestListener) => receivers.listen(createServer(answer));
const serveRaw = (speak: (socket: Socket) => void) => receivers.speaking(speak);

/** Counts who knocks. */
async function canary(): Promise<{ port: number; knocks: () => number }> {
  let knocks = 0;
  const port = await serveRaw((socket) => {
    knocks += 1;
    socket.destroy();
  });
  return { port, knocks: () => knocks };
}

function send(
  url: string,
  {
    policy = open,
    timeoutMs,
    signal = new AbortController().signal,
  }: { policy?: EgressPolicy; timeoutMs?: number; signal?: AbortSignal } = {},
): Promise<WebhookAnswer> {
  const sender = createWebhookSender({ policy, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
  senders.push(sender);
  const attempt = sender.to({ url, secrets: [secret] }, signal);
  return attempt({ id: 'evt_1', at: new Date(), body: '{"type":"TEST"}' });
}
const sendTo = (port: number, more: Parameters<typeof send>[1] = {}) =>
  send(`http://127.0.0.1:${port}/hooks`, more);

it('X10: attempts that hang delay no attempt to another endpoint of the same host', async () => {
  let hanging = 0;
  const port = await serve(({ url }, response) => {
    if (url === '/answers') response.end();
    else hanging += 1;
  });
  const sender = createWebhookSender({ policy: open });
  senders.push(sender);
  const stop = new AbortController();
  const attempts = (path: string) =>
    sender.to({ url: `http://127.0.0.1:${port}${path}`, secrets: [secret] }, stop.signal);
  const message = { id: 'evt_1', at: new Date(), body: '{}' };
  const hang = attempts('/hangs');
  const others = Array.from({ length: 200 }, () => hang(message));
  await until('all attempts hang', () => hanging === others.length, 4_000);

  await expect(attempts('/answers')(message)).resolves.toMatchObject({ status: 200 });

  stop.abort();
  await Promise.all(others);
});

describe('the status of an answer', () => {
  it.each([200, 201, 202, 204, 299])('%i is success', async (status) => {
    const port = await serve((_request, response) => response.writeHead(status).end());

    await expect(sendTo(port)).resolves.toMatchObject({
      status,
      error: null,
      isTimeout: false,
      isAborted: false,
    });
  });

  it.each([400, 401, 404, 409, 410, 429, 500, 503])('%i is not a success', async (status) => {
    const port = await serve((_request, response) => response.writeHead(status).end('no'));

    await expect(sendTo(port)).resolves.toMatchObject({
      status,
      error: `The receiver answered ${status}.`,
      responseBody: 'no',
    });
  });

  it.each([300, 301, 302, 303, 304, 305, 307, 308])(
    'S11 %i is not a success, and its target is never requested',
    async (status) => {
      const target = await canary();
      const port = await serve((_request, response) =>
        response.writeHead(status, { location: `http://127.0.0.1:${target.port}/` }).end(),
      );

      await expect(sendTo(port)).resolves.toMatchObject({
        status,
        error: `The receiver answered ${status}; redirects are not followed.`,
      });
      expect(target.knocks()).toBe(0);
    },
  );
});

describe('S10: an attempt ends in time and reads little', () => {
  it.each(Object.keys(SILENT))('is limited in time for %s', async (what) => {
    const port = await serveRaw(SILENT[what] as (socket: Socket) => void);

    const answer = await sendTo(port, { timeoutMs: 400 });

    expect(answer).toMatchObject({
      isTimeout: true,
      isAborted: false,
      error: 'The receiver did not respond completely within 0.4 s.',
    });
  });

  it('reads 16 KB of an endless body, stores 4 KB, and counts the status', async () => {
    let written = 0;
    const port = await receivers.endless((bytes) => (written += bytes));

    const answer = await sendTo(port);

    expect(answer).toMatchObject({
      status: 200,
      error: null,
      isTimeout: false,
      responseBody: 'x'.repeat(4_096),
    });
    // What the kernel's buffers took is not read.
    expect(written).toBeLessThan(32 * 1_024 * 1_024);
  });

  it.each(Object.keys(BROKEN))('a receiver that %s has not answered', async (what) => {
    const port = await serveRaw(BROKEN[what] as (socket: Socket) => void);

    const answer = await sendTo(port, { timeoutMs: 5_000 });

    expect(answer).toMatchObject({
      isTimeout: false,
      isAborted: false,
      error: expect.stringMatching(/^The receiver did not respond completely: /),
    });
    expect(answer.error).not.toMatch(/127\.0\.0\.1|ECONN/);
  });

  it('a receiver with an untrusted certificate has not answered, and was sent nothing', async () => {
    const requested: string[] = [];
    const port = await receivers.untrusted((path) => requested.push(path));

    const answer = await send(`https://127.0.0.1:${port}/hooks`);

    expect(answer).toMatchObject({
      status: null,
      error: expect.stringMatching(/certificate is not trusted/),
    });
    expect(requested).toEqual([]);
  });

  it('that the worker aborts does not count as an attempt', async () => {
    const stop = new AbortController();
    const port = await serve(() => stop.abort());

    await expect(sendTo(port, { signal: stop.signal })).resolves.toMatchObject({
      status: null,
      isAborted: true,
      isTimeout: false,
    });
    await expect(sendTo(port, { signal: stop.signal })).resolves.toMatchObject({ isAborted: true });
  });
});

describe('the log of an attempt', () => {
  it('contains neither signature, secrets nor cookies, and is cut', async () => {
    const port = await serve((_request, response) => {
      const headers = {
        'set-cookie': 'session=1',
        'www-authenticate': 'Basic',
        'x-echo': `you sent ${secret}`,
        'x-long': 'l'.repeat(1_000),
        'retry-after': '5',
      };
      response.writeHead(500, headers).end(`${secret} and ${secret.replace('whsec_', '')}`);
    });

    const { requestHeaders, responseHeaders, responseBody } = await sendTo(port);

    expect(requestHeaders).toEqual({
      'content-type': 'application/json',
      'user-agent': 'Syncline',
      'webhook-id': 'evt_1',
      'webhook-timestamp': expect.any(String),
    });
    expect(responseHeaders).toMatchObject({
      'x-echo': 'you sent [secret]',
      'x-long': 'l'.repeat(200),
      'retry-after': '5',
    });
    expect(Object.keys(responseHeaders ?? {})).not.toEqual(expect.arrayContaining(['set-cookie']));
    expect(responseHeaders).not.toHaveProperty('www-authenticate');
    expect(responseBody).toBe('[secret] and [secret]');
  });

  const key = secret.replace('whsec_', '');
  const breakingOff: Record<string, { body: string; kept: RegExp }> = {
    'beyond what is kept': { body: `${'x'.repeat(4_080)}${secret}!`, kept: /^x{4080}\[secret\]!$/ },
    'across the end of what is kept': { body: `${'x'.repeat(4_090)}${secret}`, kept: /^x{4090}\[secre$/ },
    'across the end of what is read': { body: secret.repeat(1_000), kept: /^(\[secret\])+$/ },
    'across that end, without its prefix': { body: `...${key.repeat(1_000)}`, kept: /^\.\.\.(\[secret\])+$/ },
  };

  it.each(Object.keys(breakingOff))('contains no part of a secret that is %s', async (where) => {
    const { body, kept } = breakingOff[where] as { body: string; kept: RegExp };
    const port = await serve((_request, response) => response.end(body));

    const { responseBody } = await sendTo(port);

    expect(responseBody).toMatch(kept);
  });

  it('contains no part of a secret in the middle of which the receiver stops sending', async () => {
    const port = await serveRaw((socket) =>
      socket.once('data', () =>
        socket.write(`HTTP/1.1 500 Oh\r\ncontent-length: 100\r\n\r\nyour ${secret.slice(0, 30)}`),
      ),
    );

    await expect(sendTo(port, { timeoutMs: 400 })).resolves.toMatchObject({
      isTimeout: true,
      responseBody: 'your [secret]',
    });
  });

  it('contains at most 30 headers', async () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`x-${index}`, 'x']));
    const port = await serve((_request, response) => response.writeHead(200, many).end());

    const { responseHeaders } = await sendTo(port);

    expect(Object.keys(responseHeaders ?? {})).toHaveLength(30);
  });
});

describe('webhooks are subject to the egress policy', () => {
  const closed: EgressPolicy = { allowCidrs: [], allowHttp: true };

  it.each([
    '127.0.0.1',
    'localhost',
    '[::1]',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    '[::ffff:127.0.0.1]',
    '0.0.0.0',
    '127.0.0.1.',
    'user:word@127.0.0.1',
  ])(
    'S12 http://%s is blocked before a connection is made, with a message that contains no address',
    async (host) => {
      const target = await canary();

      const answer = await send(`http://${host}:${target.port}/`, { policy: closed });

      expect(answer).toMatchObject({ status: null, error: expect.stringMatching(/^Blocked by policy/) });
      expect(answer.error).not.toContain('127.0.0.1');
      expect(target.knocks()).toBe(0);
    },
  );

  it.each(['file:///etc/passwd', 'ftp://example.com/', 'gopher://example.com/', 'not a url', 'http:', ''])(
    'S12 %s is not a valid address',
    async (url) => {
      await expect(send(url, { policy: closed })).resolves.toMatchObject({
        status: null,
        error: expect.stringMatching(/^Blocked by policy/),
      });
    },
  );

  it('S12 nothing but https where the operator allows nothing else', async () => {
    const target = await canary();

    const answer = await send(`http://127.0.0.1:${target.port}/`, {
      policy: { allowCidrs: ['127.0.0.0/8'], allowHttp: false },
    });

    expect(answer).toMatchObject({ status: null, error: expect.stringMatching(/^Blocked by policy/) });
    expect(target.knocks()).toBe(0);
  });

  const v4 = (address: string): ResolvedAddress => ({ address, family: 4 });
  const names: Record<string, ResolvedAddress[][]> = {
    'S13 a name of this machine': [[v4('127.0.0.1')]],
    'S13 a name with a public and a private address': [[v4('93.184.215.14'), v4('127.0.0.1')]],
    'S13 a name with a private and a public address': [[v4('127.0.0.1'), v4('93.184.215.14')]],
  };

  it.each(Object.keys(names))('%s is not connected to', async (what) => {
    const target = await canary();
    const answers = names[what] as ResolvedAddress[][];
    const policy: EgressPolicy = {
      ...closed,
      resolve: (_name, callback) => callback(null, answers[0] as ResolvedAddress[]),
    };

    const answer = await send(`http://hooks.example.com:${target.port}/`, { policy });

    expect(answer).toMatchObject({ status: null, error: expect.stringMatching(/Blocked by policy/) });
    expect(target.knocks()).toBe(0);
  });

  it('S13 a name that is rebound between two attempts is checked again', async () => {
    const target = await canary();
    const answers = ['127.0.0.2', '127.0.0.1'];
    // 127.0.0.2 represents a public address; no server answers there.
    const policy: EgressPolicy = {
      allowHttp: true,
      allowCidrs: ['127.0.0.2/32'],
      resolve: (_name, callback) => callback(null, [v4(answers.shift() as string)]),
    };
    const url = `http://hooks.example.com:${target.port}/`;

    const first = await send(url, { policy });
    const second = await send(url, { policy });

    expect(first.error).toMatch(/refused the connection/);
    expect(second.error).toMatch(/Blocked by policy/);
    expect(target.knocks()).toBe(0);
  });
});
