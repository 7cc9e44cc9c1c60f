/** The egress policy for third parties that do not speak HTTP: which connections it opens. */
import net, { type AddressInfo, type Socket } from 'node:net';
import { getEventListeners, once } from 'node:events';
import { NOTHING_ANSWERS, Unavailable } from '../../connectors/errors';
import type { EgressPolicy, Resolve } from '../../egress/egress-policy';
import { type SocketOpenerOptions, createSocketOpener } from '../../egress/socket-opener';

const strict: EgressPolicy = { allowCidrs: [], allowHttp: false };
const loopback: EgressPolicy = { allowCidrs: ['127.0.0.0/8'], allowHttp: false };

let server: net.Server;
let port: number;
let accepted: Socket[];

beforeEach(async () => {
  accepted = [];
  server = net.createServer((socket) => {
    accepted.push(socket);
    socket.on('error', () => undefined).on('data', (data) => socket.write(data));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});

afterEach(async () => {
  for (const socket of accepted) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

const answering =
  (...addresses: string[]): Resolve =>
  (_hostname, callback) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: 4 })),
    );

function open(host: string, options: Partial<SocketOpenerOptions> = {}): Promise<Socket> {
  const opener = createSocketOpener({
    policy: loopback,
    hosts: [`${host}:${port}`],
    signal: new AbortController().signal,
    ...options,
  });
  return opener.open({ host, port });
}

/** The message, which has to be fit for tenants; `connections`: how many there were in all. */
async function refusal(opening: Promise<Socket>, connections = 0): Promise<string> {
  const error = await opening.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  expect(error).toBeInstanceOf(Unavailable);
  await new Promise(setImmediate);
  expect(accepted).toHaveLength(connections);
  return (error as Unavailable).message;
}

it('opens a connection to a host and port that the configuration names', async () => {
  const socket = await open('127.0.0.1');

  socket.write('hello');

  expect(String(((await once(socket, 'data')) as [Buffer])[0])).toBe('hello');
  socket.destroy();
});

it('connects to the address that was checked, and asks for it once', async () => {
  let asked = 0;
  const resolve: Resolve = (hostname, callback) =>
    answering((asked += 1) === 1 ? '127.0.0.1' : '10.0.0.1')(hostname, callback);

  const socket = await open('db.example.com', { policy: { ...loopback, resolve } });

  expect(socket.remoteAddress).toBe('127.0.0.1');
  expect(asked).toBe(1);
  socket.destroy();
});

describe('refuses, and connects to nothing,', () => {
  it.each([
    ['another host', 'db.example.com:5432'],
    ['another port of the host', '127.0.0.1:1'],
    ['the host without a port', '127.0.0.1'],
  ])('where the configuration names %s', async (_title, named) => {
    expect(await refusal(open('127.0.0.1', { hosts: [named] }))).toContain('does not name');
  });

  it('an address that is not public', async () => {
    const message = await refusal(open('127.0.0.1', { policy: strict }));

    expect(message).toBe('Blocked by policy: the address is not public.');
  });

  it.each(['127.1', '2130706433', '0x7f000001', '::ffff:127.0.0.1', 'localhost'])(
    'a private address in another form: %s',
    async (host) => {
      expect(await refusal(open(host, { policy: strict }))).not.toContain('127.0.0.1');
    },
  );

  it('a name for a private address, and does not show the address', async () => {
    const message = await refusal(
      open('db.example.com', { policy: { ...strict, resolve: answering('127.0.0.1') } }),
    );

    expect(message).not.toContain('127.0.0.1');
  });

  it('a name with one private address among public ones (DNS rebinding)', async () => {
    expect(
      await refusal(
        open('db.example.com', { policy: { ...loopback, resolve: answering('127.0.0.1', '10.0.0.1') } }),
      ),
    ).not.toMatch(/\d\.\d/);
  });

  it('a name that resolves to a private address at the next connection (DNS rebinding)', async () => {
    const answers = [answering('127.0.0.1'), answering('169.254.169.254')];
    const policy: EgressPolicy = {
      ...loopback,
      resolve: (hostname, callback) => answers.shift()?.(hostname, callback),
    };

    const [first] = await Promise.all([open('db.example.com', { policy }), once(server, 'connection')]);

    expect(await refusal(open('db.example.com', { policy }), 1)).toBe(
      'Blocked by policy: the address is not public.',
    );
    first.destroy();
  });

  it('a name without an address', async () => {
    expect(
      await refusal(open('db.example.com', { policy: { ...loopback, resolve: answering() } })),
    ).not.toMatch(/\d\.\d/);
  });

  it('when the worker stops already', async () => {
    expect(await refusal(open('127.0.0.1', { signal: AbortSignal.abort() }))).not.toMatch(/\d\.\d/);
  });
});

it('gives up on a connection that is not established in time', async () => {
  const silent: Resolve = () => undefined;

  expect(
    await refusal(open('db.example.com', { policy: { ...loopback, resolve: silent }, timeoutMs: 20 })),
  ).toBe(NOTHING_ANSWERS);
});

it('gives up on a connection that is refused', async () => {
  await new Promise((resolve) => server.close(resolve));

  expect(await refusal(open('127.0.0.1'))).not.toMatch(/\d\.\d/);

  server.listen(0, '127.0.0.1');
});

it('closes its sockets when the worker stops, also those without an error listener', async () => {
  const worker = new AbortController();
  const socket = await open('127.0.0.1', { signal: worker.signal });
  const closed = new Promise((resolve) => socket.once('close', resolve));

  worker.abort();

  await closed;
  expect(socket.destroyed).toBe(true);
});

it('keeps no reference to a closed socket', async () => {
  const worker = new AbortController();
  const socket = await open('127.0.0.1', { signal: worker.signal });
  const held = getEventListeners(worker.signal, 'abort').length;

  await new Promise((resolve) => socket.once('close', resolve).destroy());

  expect(held).toBe(1);
  expect(getEventListeners(worker.signal, 'abort')).toHaveLength(0);
});

it('has no time limit for an open socket', async () => {
  const socket = await open('127.0.0.1', { timeoutMs: 20 });

  await new Promise((resolve) => setTimeout(resolve, 40));

  expect(socket.destroyed).toBe(false);
  socket.destroy();
});
