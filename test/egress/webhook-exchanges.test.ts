/** What ordinary receivers do with addresses, connections and answers: B53, B55 and B56 of operators. */
import { createServer, type RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createWebhookSender, type WebhookAnswer, type WebhookSender } from '../../egress/webhook-sender';
import { newWebhookSecret } from '../support/fakes/webhooks';
import { OddReceivers } from '../support/servers/odd-receivers';
import { until } from '../support/until';

const receivers = new OddReceivers();
const secret = newWebhookSecret();
let sender: WebhookSender;

beforeEach(() => {
  sender = createWebhookSender({ policy: { allowCidrs: ['127.0.0.0/8'], allowHttp: true } });
});
afterEach(async () => {
  await sender.close();
  await receivers.close();
});

const send = (url: string, id = 'evt_1'): Promise<WebhookAnswer> =>
  sender.to(
    { url, secrets: [secret] },
    new AbortController().signal,
  )({ id, at: new Date(), body: '{"type":"TEST"}' });
const serve = (answer: RequestListener) => receivers.listen(createServer(answer));

describe('rule 44: an address', () => {
  it.each([
    ['/p%2Fa?x=1&y=%20z&sig=a+b', '/p%2Fa?x=1&y=%20z&sig=a+b'],
    ['/p%2fa?sig=%2b%3D%26', '/p%2fa?sig=%2b%3D%26'],
    ['//double//', '//double//'],
    ['/ü?q=ä', '/%C3%BC?q=%C3%A4'],
    ['', '/'],
    ['?only=query', '/?only=query'],
    ['/UPPER/lower;v=1,2', '/UPPER/lower;v=1,2'],
    ['/a?empty=&=x&&again=1&again=2', '/a?empty=&=x&&again=1&again=2'],
    ['/a?redirect=https://b.example/?c=d', '/a?redirect=https://b.example/?c=d'],
    ['/services/T000/B000/AbC-_~.!$*', '/services/T000/B000/AbC-_~.!$*'],
    ['/a?b#fragment', '/a?b'],
  ])('that was typed with %j arrives as %j', async (typed, arrived) => {
    const seen: (string | undefined)[] = [];
    const port = await serve((request, response) => {
      seen.push(request.url);
      response.end();
    });

    const plain = await send(`http://127.0.0.1:${port}${typed}`);
    const odd = await send(`  HTTP://LocalHost:${port}${typed} `);

    expect([plain.error, odd.error]).toEqual([null, null]);
    expect(seen).toEqual([arrived, arrived]);
  });
});

describe('a connection', () => {
  it.each([
    ['as its header says', 1_000],
    ['without a word', 0],
  ])(
    'that the receiver closes after a second without requests, %s, costs no attempt',
    async (_how, keepAliveTimeout) => {
      let connections = 0;
      const server = createServer({ keepAliveTimeout }, (_request, response) => response.end());
      server.on('connection', (socket) => {
        connections += 1;
        if (keepAliveTimeout === 0) setTimeout(() => socket.end(), 1_000);
      });
      const port = await receivers.listen(server);

      for (const idleMs of [0, 0, 1_500, 1_500]) {
        await sleep(idleMs);
        expect(await send(`http://127.0.0.1:${port}/`)).toMatchObject({ status: 200, error: null });
      }

      expect(connections).toBeGreaterThan(1);
    },
  );

  it('that the receiver resets when it is used again costs an attempt, and a later attempt arrives', async () => {
    const arrived: string[] = [];
    const used = new WeakSet<Socket>();
    const port = await serve(({ socket, headers }, response) => {
      if (used.has(socket)) return socket.resetAndDestroy();
      used.add(socket);
      arrived.push(headers['webhook-id'] as string);
      response.end();
    });
    const url = `http://127.0.0.1:${port}/`;
    const failed: string[] = [];
    const events = Array.from({ length: 10 }, (_, index) => `evt_${index}`);

    for (const id of events) while ((await send(url, id)).status !== 200) failed.push(id);

    expect(failed.length).toBeGreaterThan(0);
    expect(arrived).toEqual(events);
  });
});

describe('an answer', () => {
  it.each([
    ['103 Early Hints', 'HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\n\r\n'],
    ['102 Processing, thrice', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(3)],
  ])('that begins with %s counts by its final status', async (_what, interim) => {
    const port = await receivers.speaking((socket) =>
      socket.once('data', () => {
        socket.write(interim);
        setTimeout(() => socket.write('HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\nok'), 20);
      }),
    );

    expect(await send(`http://127.0.0.1:${port}/`)).toMatchObject({
      status: 202,
      error: null,
      responseBody: 'ok',
    });
  });

  it('keeps its own headers, where they are equal to those before it and where they differ', async () => {
    const sent = ['a', 'a', 'b', 'a', undefined, 'a'];
    let requests = 0;
    const port = await serve((_request, response) => {
      const value = sent[requests++];
      response.setHeaders(new Map(Object.entries({ ...(value && { 'x-part': value }), 'x-key': secret })));
      response.end();
    });
    const attempt = sender.to(
      { url: `http://127.0.0.1:${port}/`, secrets: [secret] },
      new AbortController().signal,
    );

    const kept = [];
    for (const id of sent.keys())
      kept.push((await attempt({ id: `evt_${id}`, at: new Date(), body: '{}' })).responseHeaders);

    expect(kept.map((headers) => headers?.['x-part'])).toEqual(sent);
    expect(kept.map((headers) => headers?.['x-key'])).toEqual(sent.map(() => '[secret]'));
  });

  it('keeps a header that is called as a property of every object', async () => {
    const port = await receivers.speaking((socket) =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\n__proto__: odd\r\ncontent-length: 0\r\n\r\n');
      }),
    );

    const { responseHeaders } = await send(`http://127.0.0.1:${port}/`);

    expect(Object.entries(responseHeaders ?? {})).toContainEqual(['__proto__', 'odd']);
  });

  it('of 20 KB is a success where the receiver closes the connection behind it', async () => {
    const port = await receivers.speaking((socket) =>
      socket.once('data', () => {
        socket.end(
          `HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 20000\r\n\r\n${'x'.repeat(20_000)}`,
        );
      }),
    );

    const { status, error, responseBody } = await send(`http://127.0.0.1:${port}/`);

    expect([status, error, responseBody?.length]).toEqual([200, null, 4 * 1_024]);
  });

  it('of 200 KB is a success of which 4 KB are kept, and the next attempt arrives', async () => {
    let requests = 0;
    const port = await serve((_request, response) => {
      requests += 1;
      response.writeHead(202).end('x'.repeat(200 * 1_024));
    });

    for (let attempt = 0; attempt < 3; attempt += 1) {
      const answer = await send(`http://127.0.0.1:${port}/`);
      expect(answer).toMatchObject({ status: 202, error: null });
      expect(answer.responseBody).toHaveLength(4 * 1_024);
    }
    await until('each arrived', () => requests === 3);
  });
});
