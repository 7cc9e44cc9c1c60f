/** A third party that speaks PostgreSQL's protocol to do harm (rule 60). */
import { type Server, type Socket, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { NOTHING_ANSWERS, Unavailable } from '../../../connectors/errors';
import { postgres } from '../../../connectors/postgres';
import type { PostgresContext } from '../../../connectors/postgres/session';
import { createSocketOpener } from '../../../egress/socket-opener';
import { loopbackPolicy } from '../suite/given';

const servers: { server: Server; sockets: Set<Socket> }[] = [];
const cutAll = (): void => servers.forEach(({ sockets }) => sockets.forEach((socket) => socket.destroy()));
afterEach(() => {
  cutAll();
  for (const { server } of servers.splice(0)) server.close();
});

/** A server that answers the start of each connection. */
async function served(
  answer: (socket: Socket) => void,
  tenantId = 'tenant',
  tls = false,
): Promise<PostgresContext> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.once('data', () => answer(socket));
  });
  servers.push({ server, sockets });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const config = postgres.configSchema.parse({
    host: '127.0.0.1',
    port,
    database: 'hr',
    tls,
    record_types: { employees: { table: 'staff', id: 'id' } },
  });
  return {
    config,
    credentials: { user: 'reader', password: 'secret' },
    mappings: {},
    http: { send: () => Promise.reject(new Error('not used')) },
    sockets: createSocketOpener({
      policy: loopbackPolicy,
      hosts: postgres.hosts(config),
      signal: new AbortController().signal,
    }),
    tokens: { get: () => undefined, set: () => undefined, clear: () => undefined },
    signal: new AbortController().signal,
    tenantId,
    readerLimits: { loginTimeoutMs: 1_000, silenceMs: 1_000 },
  };
}

const failureOf = (context: PostgresContext): Promise<unknown> =>
  postgres.check(context).then(
    () => null,
    (error: unknown) => error,
  );

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const READY = '52 00 00 00 08 00 00 00 00 5A 00 00 00 05 49';

const PACKETS: Record<string, string> = {
  'a notice whose list of fields does not end': '4E 00 00 00 0A 53 4E 4F 54 45 00',
  'an error whose list of fields does not end': '45 00 00 00 0A 53 4E 4F 54 45 00',
  'an authentication request without a kind': '52 00 00 00 04',
  'an authentication request of an unknown kind': '52 00 00 00 08 00 00 00 63',
  'MD5 without its salt': '52 00 00 00 08 00 00 00 05',
  'SASL whose list does not end': '52 00 00 00 0A 00 00 00 0A 53 43',
  'SASL that goes on before it began': '52 00 00 00 09 00 00 00 0B 72',
  'a length below the smallest': '4E 00 00 00 00',
  'a length of four gigabytes': '4E FF FF FF FF',
  'a setting without a value': '53 00 00 00 06 61 00',
  'key data without a key': '4B 00 00 00 04',
  'a message of an unknown kind': '21 00 00 00 04',
  'a row before any query': `${READY} 44 00 00 00 06 00 00`,
  'columns before any query': `${READY} 54 00 00 00 06 00 00`,
  'a row with a negative size': `${READY} 44 00 00 00 0A 00 01 80 00 00 00`,
  'a row that is shorter than its values': `${READY} 44 00 00 00 0A 00 01 00 00 FF FF`,
  'columns that are not there': `${READY} 54 00 00 00 06 FF FF`,
  'the end of a query that was not asked': `${READY} 43 00 00 00 05 00`,
  'a copy': `${READY} 47 00 00 00 07 00 00 00`,
  'nothing at all': '',
  'a web page': '48 54 54 50 2F 31 2E 31 20 34 30 30 20 42 61 64',
};

test.each(Object.entries(PACKETS))(
  'rule 60: %s is an error of that database alone',
  async (_name, packet) => {
    const failure = await failureOf(await served((socket) => socket.write(hex(packet))));
    expect(failure).toBeInstanceOf(Unavailable);
  },
);

test('rule 60: a log-in that streams without end is cut off at 64 KB', async () => {
  let sent = 0;
  const context = await served((socket) => {
    const notice = Buffer.concat([hex('4E 00 00 04 04'), Buffer.from(`M${'x'.repeat(1_021)}`), hex('00 00')]);
    notice.writeUInt32BE(notice.length - 1, 1);
    const pour = () => {
      while (!socket.destroyed && socket.write(notice)) sent += notice.length;
      if (!socket.destroyed) socket.once('drain', pour);
    };
    pour();
  });

  // The reader and the process around it both count; either may be first.
  const failure = (await failureOf(context)) as Error & { cause?: Error };
  expect(failure).toBeInstanceOf(Unavailable);
  expect((failure.cause ?? failure).message).toContain('log-in');
  // What the kernel holds for the two sockets is sent, but not read.
  expect(sent).toBeLessThan(32 * 1024 * 1024);
});

test('rule 60: an announced message of 2 GB is refused before it arrives', async () => {
  const context = await served((socket) => socket.write(hex('4E 7F FF FF FF')));

  expect(await failureOf(context)).toMatchObject({ cause: { message: expect.stringContaining('too much') } });
});

test('rule 60: a database without a time is an error of that database alone', async () => {
  const empty = Buffer.concat([hex('43 00 00 00 0D'), Buffer.from('SELECT 0'), hex('00 5A 00 00 00 05 49')]);
  const context = await served((socket) => {
    socket.on('data', () => socket.write(empty));
    socket.write(hex(READY));
  });

  expect(await failureOf(context)).toMatchObject({
    message: 'The database did not answer with its time.',
  });
});

test('rule 60: an answer of 17 MB to a check is an error of that database alone', async () => {
  const context = await served((socket) => {
    socket.once('data', () => socket.write(hex('44 01 10 00 00')));
    socket.write(hex(READY));
  });

  const failure = await failureOf(context);

  expect(failure).toBeInstanceOf(Unavailable);
  expect((failure as Error).message).toBe('The answer of the database is too large.');
});

describe('X8: a port scanner', () => {
  const PORTS: Record<string, ((socket: Socket) => unknown) | null> = {
    closed: null,
    silent: () => undefined,
    'closed after the first bytes': (socket) => socket.end(),
    'reset after the first bytes': (socket) => socket.resetAndDestroy(),
    'of SSH': (socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'),
    'of SMTP': (socket) => socket.write('220 mail.example ESMTP\r\n500 unknown command\r\n'),
    'of HTTP': (socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'),
    'of Redis': (socket) => socket.write('-ERR unknown command\r\n'),
    'of MySQL': (socket) => socket.write(hex('4A 00 00 00 0A 38 2E 30 2E 33 36 00')),
  };

  it.each(
    Object.entries(PORTS).flatMap(([name, answer]) => [false, true].map((tls) => ({ name, tls, answer }))),
  )('gets one message for every port without PostgreSQL: $name, TLS: $tls', async ({ tls, answer }) => {
    const context = await served((socket) => answer?.(socket), 'tenant', tls);
    if (answer === null) await new Promise((resolve) => servers.at(-1)?.server.close(resolve));

    const failure = await failureOf(context);

    expect(failure).toBeInstanceOf(Unavailable);
    expect((failure as Error).message).toBe(NOTHING_ANSWERS);
  });
});

test('rule 60: four silent databases of one tenant leave readers to the other tenants', async () => {
  let isOver = false;
  const say = (socket: Socket) => isOver && socket.destroy();
  const silent = await Promise.all(Array.from({ length: 4 }, () => served(say, 'hostile')));
  const patient = silent.map((context) => ({ ...context, readerLimits: { loginTimeoutMs: 60_000 } }));
  const held = patient.flatMap((context) => Array.from({ length: 4 }, () => failureOf(context)));
  const healthy = await served((socket) => socket.write(hex(PACKETS['a web page'] as string)), 'healthy');

  const answered = failureOf(healthy).then((failure) => (failure as Error).message);
  const first = await Promise.race([answered, ...held.map((one) => one.then(() => 'a silent one ended'))]);

  expect(first).toBe(NOTHING_ANSWERS);
  isOver = true;
  cutAll();
  await Promise.all(held);
});
