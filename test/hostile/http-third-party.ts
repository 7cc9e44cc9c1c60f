/**
 * A third party over HTTP that does harm. Each answer is chosen by the seed of the session and the number of
 * the request: its status, headers, framing and timing; `http-bodies.ts` chooses the body.
 */
import { type Server, type Socket, createServer } from 'node:net';
import type { Random } from '../support/random';
import { type Addresses, bodyOf, goodBody, noise } from './http-bodies';
import { randomOf } from './session-seeds';
import { sendSlowly } from './slow-sending';

const STATUSES = [200, 200, 201, 202, 204, 206, 301, 400, 401, 403, 404, 409, 412, 422, 429, 500, 503, 999];

const redirect = (random: Random, { own, forbidden }: Addresses): string =>
  random.pick([
    `${own}/again`,
    '/again',
    forbidden,
    'http://169.254.169.254/latest',
    'http://[::1]:22/',
    'https://10.0.0.1/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    '//',
    'x'.repeat(10_000),
  ]);

const HEADERS: ((random: Random, addresses: Addresses) => string)[] = [
  (random) => `retry-after: ${random.pick(['-1', '1e99', 'Mon', '0', '99999999999', 'Thu, 01 Jan 1970'])}`,
  (random) => `etag: ${random.pick(['"', 'W/', 'x'.repeat(9_000), '"\\"'])}`,
  (random) => `date: ${random.pick(['never', 'Thu, 01 Jan 9999 00:00:00 GMT', '-1', ''])}`,
  (_random, { own, forbidden }) => `link: <${own}/list>; rel="next", <${forbidden}>; rel=next, <`,
  (random) =>
    Array.from({ length: random.between(1, 300) }, (_, index) => `x-${index}: ${'y'.repeat(50)}`).join(
      '\r\n',
    ),
  () => `x-long: ${'y'.repeat(70_000)}`,
  () => 'x-folded: a\r\n b',
  () => 'no colon',
  () => ': no name',
  () => 'x-bytes: \u00ff\u0000',
  () => Array.from({ length: 40 }, (_, index) => `set-cookie: session=${index}; domain=.com`).join('\r\n'),
  () => 'connection: upgrade\r\nupgrade: websocket',
  () => '__proto__: polluted\r\nconstructor: polluted',
];

type Framing = (random: Random, body: Buffer) => { headers: string[]; bytes: Buffer };

const chunk = (size: string, bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${size}\r\n`), bytes, Buffer.from('\r\n')]);

const FRAMINGS: Record<string, Framing> = {
  length: (_random, bytes) => ({ headers: [`content-length: ${bytes.length}`], bytes }),
  wrongLength: (random, bytes) => {
    const length = random.pick([0, 1, bytes.length + 1, bytes.length * 2, -1, 'abc', '99999999999999999999']);
    return { headers: [`content-length: ${length}`], bytes };
  },
  twoLengths: (_random, bytes) => ({
    headers: [`content-length: ${bytes.length}`, 'content-length: 3'],
    bytes,
  }),
  lengthAndChunks: (_random, bytes) => ({
    headers: ['transfer-encoding: chunked', 'content-length: 5'],
    bytes: chunk(bytes.length.toString(16), bytes),
  }),
  untilClosed: (_random, bytes) => ({ headers: ['connection: close'], bytes }),
  chunks: (random, bytes) => {
    const at = random.between(1, Math.max(1, bytes.length - 1));
    const parts = [bytes.subarray(0, at), bytes.subarray(at)].filter((part) => part.length > 0);
    const sent = parts.map((part) => chunk(part.length.toString(16), part));
    return {
      headers: ['transfer-encoding: chunked'],
      bytes: Buffer.concat([...sent, Buffer.from('0\r\n\r\n')]),
    };
  },
  brokenChunks: (random, bytes) => {
    const size = random.pick(['-5', 'ffffffffffffffff', 'zz', `1;${'e'.repeat(20_000)}`, '0', '']);
    return { headers: ['transfer-encoding: chunked'], bytes: chunk(size, bytes) };
  },
};

/** So that sessions with several requests get beyond the first one. */
const WELL_BEHAVED = 0.6;

function goodAnswer(random: Random): Buffer {
  const { headers, bytes } = goodBody(random);
  const lines = ['HTTP/1.1 200 OK', ...headers, `content-length: ${bytes.length}`];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), bytes]);
}

/** The bytes of a whole answer. */
function answerOf(random: Random, addresses: Addresses): Buffer {
  if (random.chance(0.03)) return noise(random, 2_000);
  const isRedirect = random.chance(0.06);
  const status = isRedirect
    ? random.pick([301, 302, 303, 307, 308])
    : random.chance(0.7)
      ? 200
      : random.pick(STATUSES);
  const body = bodyOf(random, addresses);
  const framing = random.weighted({
    length: 70,
    chunks: 12,
    untilClosed: 6,
    wrongLength: 4,
    twoLengths: 2,
    lengthAndChunks: 2,
    brokenChunks: 4,
  });
  const { headers, bytes } = (FRAMINGS[framing] as Framing)(random, body.bytes);
  const extra = Array.from({ length: random.weighted({ 0: 70, 1: 20, 3: 10 }) as unknown as number }, () =>
    random.pick(HEADERS)(random, addresses),
  );
  const location = isRedirect || random.chance(0.02) ? [`location: ${redirect(random, addresses)}`] : [];
  const early = random.chance(0.03)
    ? 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: <x>\r\n\r\n'
    : '';
  const lines = [`HTTP/1.1 ${status} X`, ...body.headers, ...headers, ...location, ...extra];
  return Buffer.concat([Buffer.from(`${early}${lines.join('\r\n')}\r\n\r\n`, 'latin1'), bytes]);
}

/** The length of the request at the beginning of the bytes; null while it is not complete. */
function requestLength(bytes: Buffer): number | null {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return null;
  const length = /content-length: *(\d+)/i.exec(bytes.subarray(0, end).toString('latin1'))?.[1] ?? '0';
  const whole = end + 4 + Number(length);
  return bytes.length >= whole ? whole : null;
}

/** Answers the requests of a connection, for HTTP and for HTTPS. */
export function answering(seed: number, addresses: () => Addresses): (socket: Socket) => void {
  let requests = 0;
  return (socket) => {
    let received = Buffer.alloc(0);
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      const length = requestLength(received);
      if (length === null) return;
      received = received.subarray(length);
      requests += 1;
      const random = randomOf(seed, requests);
      if (random.chance(WELL_BEHAVED)) socket.write(goodAnswer(random));
      else sendSlowly(random, socket, answerOf(random, addresses()));
    });
  };
}

export function createHostileHttp(seed: number, forbidden: string): Server {
  const server: Server = createServer((socket) => accept(socket));
  const own = () => `http://127.0.0.1:${(server.address() as { port: number } | null)?.port ?? 0}`;
  const accept = answering(seed, () => ({ own: own(), forbidden }));
  return server;
}
