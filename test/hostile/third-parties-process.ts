/**
 * The process of the hostile third parties. It is one of its own so that what it does to make trouble takes
 * neither time nor memory of the process that is tested.
 */
import { type Server, type Socket, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { createHostileHttp } from './http-third-party';
import { createHostilePostgres } from './postgres-third-party';
import { type Certificate, createHostileTls } from './tls-third-party';

export type Protocol = 'http' | 'https' | 'postgres';

export type ToThirdParties =
  | { start: { certificate: Certificate; postgresPort: number } }
  | { open: { id: number; seed: number; protocol: Protocol } }
  | { close: { id: number } };

export type FromThirdParties =
  | { started: true }
  | { opened: { id: number; port: number } }
  /** `connections` since it was opened; `strays`: to an address that no integration names. */
  | { closed: { id: number; connections: number; strays: number } };

interface Open {
  server: Server;
  sockets: Set<Socket>;
  connections: number;
}

const opened = new Map<number, Open>();
let given: Extract<ToThirdParties, { start: object }>['start'];
let strays = 0;
const forbidden = createServer((socket) => {
  strays += 1;
  socket.destroy();
});

const listen = (server: Server): Promise<number> =>
  new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  );
const send = (message: FromThirdParties): void => void process.send?.(message);

function create(protocol: Protocol, seed: number): Server {
  const address = `http://127.0.0.1:${(forbidden.address() as AddressInfo).port}`;
  if (protocol === 'postgres') return createHostilePostgres(seed, given.postgresPort);
  return protocol === 'http'
    ? createHostileHttp(seed, address)
    : createHostileTls(seed, address, given.certificate);
}

async function open({ id, seed, protocol }: { id: number; seed: number; protocol: Protocol }): Promise<void> {
  const server = create(protocol, seed);
  const entry: Open = { server, sockets: new Set(), connections: 0 };
  server.on('connection', (socket) => {
    entry.connections += 1;
    entry.sockets.add(socket);
    socket.on('close', () => entry.sockets.delete(socket));
  });
  opened.set(id, entry);
  send({ opened: { id, port: await listen(server) } });
}

function close(id: number): void {
  const entry = opened.get(id);
  opened.delete(id);
  entry?.server.close();
  for (const socket of entry?.sockets ?? []) socket.destroy();
  send({ closed: { id, connections: entry?.connections ?? 0, strays } });
}

process.on('message', (message: ToThirdParties) => {
  if ('open' in message) void open(message.open);
  else if ('close' in message) close(message.close.id);
  else {
    given = message.start;
    void listen(forbidden).then(() => send({ started: true }));
  }
});
process.on('disconnect', () => process.exit());
