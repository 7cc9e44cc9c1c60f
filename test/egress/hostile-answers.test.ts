/** Answers that are made to do harm, and calls that are never answered (rule 60). */
import { type RequestListener, type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { EgressPolicy } from '../../egress/egress-policy';
import { CALLS_MAX, closeConnections, createHttpClient } from '../../egress/http-client';
import { NoRoom, PageMemory } from '../../connectors/page-memory';
import { answerLimits } from '../../egress/limits/answer-limits';
import { AnswerMemory } from '../../egress/limits/bytes-under-way';

const policy: EgressPolicy = { allowCidrs: ['127.0.0.0/8'], allowHttp: true };
const MIB = 1024 * 1024;

let server: Server;
afterEach(async () => {
  await closeConnections(policy);
  server.closeAllConnections();
  server.close();
});

async function serve(
  answer: RequestListener,
  timeoutMs = 2_000,
): Promise<(integration?: string) => (path: string) => Promise<unknown>> {
  server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return (integrationId = 'first') => {
    const owner = { tenantId: `tenant of ${integrationId}`, integrationId };
    const { signal } = new AbortController();
    const client = createHttpClient({ policy, hosts: [host], signal, owner, timeoutMs });
    return async (path) =>
      client.send({ method: 'GET', url: `http://${host}${path}`, responseBytesMax: 16 * MIB }).then(
        ({ text }) => text,
        (error: Error) => error.message,
      );
  };
}

/** Answers `/healthy` alone. */
const onlyHealthy: RequestListener = (request, response) => {
  if (request.url === '/healthy') response.end('well');
};

test('rule 60: calls that one tenant never gets answered do not delay a call of another to that host', async () => {
  const clientOf = await serve(onlyHealthy);
  const slow = Array.from({ length: 2 * CALLS_MAX }, () => clientOf('slow')('/slow'));

  const isOver = Promise.race(slow).then(() => 'the slow calls ended first');
  expect(await Promise.race([clientOf('healthy')('/healthy'), isOver])).toBe('well');

  server.closeAllConnections();
  await closeConnections(policy);
  await Promise.all(slow);
});

test('rule 60: the time of a call begins when it may begin, after the calls before it', async () => {
  const send = (await serve(onlyHealthy))();
  const slow = Array.from({ length: CALLS_MAX }, () => send('/slow'));

  const [last, ...timedOut] = await Promise.all([send('/healthy'), ...slow]);

  expect(last).toBe('well');
  expect(new Set(timedOut)).toEqual(
    new Set(['The third party did not respond completely: no complete response within 2 s.']),
  );
});

test.each([
  ['millions of empty objects', () => `[${'{},'.repeat(5_000_000)}{}]`, 'has more than 500000 values'],
  ['millions of numbers', () => `{"a": [${'0,'.repeat(7_000_000)}0]}`, 'has more than 500000 values'],
  ['lists in lists without end', () => '['.repeat(1_000_000), 'is nested deeper than 200 levels'],
  ['objects in objects', () => '{"a":'.repeat(100_000), 'is nested deeper than 200 levels'],
])('rule 60: %s are refused before they are parsed', async (_name, body, words) => {
  const send = (await serve((_request, response) => response.end(body()), 20_000))();
  expect(await send('/')).toContain(`its response ${words}`);
});

test('rule 60: brackets and commas inside of texts are no values', async () => {
  const body = JSON.stringify(['[{,"\\'.repeat(200_000)]);
  const send = (await serve((_request, response) => response.end(body)))();
  expect(await send('/')).toBe(body);
});

test('rule 60: an answer that grows to a thousand times its size is not decompressed', async () => {
  const bomb = gzipSync(Buffer.alloc(12 * MIB, ' '));
  const send = (
    await serve((_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb))
  )();
  expect(await send('/')).toContain('is larger than');
});

test('rule 60: a small compressed answer arrives while the memory is full of other answers', async () => {
  const body = JSON.stringify('x'.repeat(60_000));
  await serve((_request, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(body)),
  );
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const limits = answerLimits({ memoryMib: 64 });
  const { signal } = new AbortController();
  const { texts, parsed } = limits.memory;
  const owner = { tenantId: 'a', integrationId: '' };
  const client = createHttpClient({ policy, hosts: [host], signal, limits, owner, timeoutMs: 2_000 });
  await texts.take('a', texts.tenantBytesMax, signal);

  expect((await client.send({ method: 'GET', url: `http://${host}/` })).text).toBe(body);
  await parsed.take('a', parsed.tenantBytesMax, signal);
});

test('rule 60: the large answers of a tenant wait for each other, those of another tenant do not', async () => {
  await serve(onlyHealthy);
  const { signal } = new AbortController();
  const { parsed } = new AnswerMemory(64 * MIB);
  const take = (tenant: string) => parsed.take(tenant, parsed.tenantBytesMax, signal);
  const releaseFirst = await take('a');
  let isSecondThere = false;
  const waiting = take('a').then(() => (isSecondThere = true));
  await take('b');

  expect(isSecondThere).toBe(false);
  releaseFirst();
  await waiting;
});

test('rule 60: a call whose time ends while its answer waits for room is not counted as an outage', async () => {
  const { parsed } = new AnswerMemory(64 * MIB);
  const time = new AbortController();
  const take = () => parsed.take('a', parsed.tenantBytesMax, time.signal);
  await take();
  const waiting = take();
  time.abort(new Error('no complete response within 30 s'));

  await expect(waiting).rejects.toThrow(NoRoom);
});

test('rule 60: answers that arrive at the same time do not wait for each other for ever', async () => {
  const body = JSON.stringify('x'.repeat(900 * 1024));
  const clientOf = await serve((_request, response) => {
    response.write(body.slice(0, 500_000)); // without its size
    setImmediate(() => response.end(body.slice(500_000)));
  }, 20_000);
  const send = clientOf();

  const answers = await Promise.all(Array.from({ length: 60 }, () => send('/')));

  expect(new Set(answers)).toEqual(new Set([body]));
});

test('rule 60: the parsed values of a page count until it was stored', async () => {
  const body = `[${'0,'.repeat(150_000)}0]`;
  await serve((_request, response) => response.end(body));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const limits = answerLimits({ memoryMib: 64 });
  const { signal } = new AbortController();
  const read = async (tenantId: string, page: PageMemory): Promise<string> => {
    const client = createHttpClient({
      policy,
      hosts: [host],
      signal,
      limits,
      owner: { tenantId, integrationId: '' },
    });
    const request = { method: 'GET', url: `http://${host}/`, responseBytesMax: 'page' } as const;
    return (await page.reading(() => client.send(request))).text;
  };
  const [first, second, other] = [new PageMemory(), new PageMemory(), new PageMemory()];
  await read('a', first);
  let isSecondThere = false;
  const waiting = read('a', second).then(() => (isSecondThere = true));

  expect(await read('b', other)).toBe(body);
  expect(await read('b', other)).toBe(body);
  expect(isSecondThere).toBe(false);
  first.end();
  await waiting;
});
