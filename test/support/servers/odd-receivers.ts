/** Receivers of webhooks that behave oddly (rules.md S10), on 127.0.0.1. */
import { createServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import {
  type AddressInfo,
  createServer as createTcpServer,
  type Server as TcpServer,
  type Socket,
} from 'node:net';
import { makeSelfSigned } from './self-signed';

type Speak = (socket: Socket) => void;

const ENDLESS_CHUNK = 'x'.repeat(1_024);

/** Byte by byte, and for ever. */
const trickle =
  (head: string): Speak =>
  (socket) => {
    socket.on('error', () => undefined);
    const bytes = head[Symbol.iterator]();
    const timer = setInterval(() => socket.write(bytes.next().value ?? 'x'), 50);
    socket.once('close', () => clearInterval(timer));
  };

/** What a sender would wait for as long as it is let. */
export const SILENT: Readonly<Record<string, Speak>> = {
  'the answer': () => undefined,
  'headers that come byte by byte': trickle(`HTTP/1.1 200 OK\r\nx-long: ${'h'.repeat(10_000)}`),
  'a body that comes byte by byte': (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n');
    trickle('')(socket);
  },
  'the end of a body': (socket) => void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'),
};

/** What is no answer. */
export const BROKEN: Readonly<Record<string, Speak>> = {
  'resets the connection': (socket) => socket.resetAndDestroy(),
  'closes it without a response': (socket) => socket.once('data', () => socket.destroy()),
  'closes it in the middle of the body': (socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf')),
  'speaks something else': (socket) => socket.once('data', () => socket.end('SSH-2.0-OpenSSH_9.9\r\n')),
  'sends headers without end': (socket) =>
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write(`x-${'y'.repeat(4_096)}: z\r\n`), 1);
      socket.once('close', () => clearInterval(timer));
    }),
};

/** Servers of one test, with the connections to them. */
export class OddReceivers {
  private readonly servers: (Server | TcpServer)[] = [];
  private readonly sockets = new Set<Socket>();

  /** @returns the port it listens on. */
  async listen(server: Server | TcpServer): Promise<number> {
    this.servers.push(server);
    server.on('connection', (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket)).on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  /** A TCP server without HTTP. */
  speaking(speak: Speak): Promise<number> {
    return this.listen(createTcpServer(speak));
  }

  /** 200 and a body without end; `onWrite` is called for each 1 KiB. */
  endless(onWrite: (bytes: number) => void = () => undefined): Promise<number> {
    const server = createServer((_request, response) => {
      let hasEnded = false;
      const pour = (): void => {
        while (!hasEnded && response.write(ENDLESS_CHUNK)) onWrite(ENDLESS_CHUNK.length);
      };
      response.on('drain', pour).on('close', () => (hasEnded = true));
      pour();
    });
    return this.listen(server);
  }

  /** https with an untrusted certificate; `onRequest` still sees each request. */
  untrusted(onRequest: (path: string) => void = () => undefined): Promise<number> {
    return this.listen(
      createHttpsServer(makeSelfSigned(), (request, response) => {
        onRequest(request.url ?? '');
        response.end();
      }),
    );
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    for (const server of this.servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  }
}
