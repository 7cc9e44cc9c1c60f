/** A third party whose TLS is slow, broken or silent; behind it, the answers of the one over HTTP. */
import { type Server, type Socket, connect, createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { noise } from './http-bodies';
import { answering } from './http-third-party';
import { randomOf } from './session-seeds';
import { trickle } from './slow-sending';

export interface Certificate {
  key: string;
  cert: string;
}

export function createHostileTls(seed: number, forbidden: string, certificate: Certificate): Server {
  const server = createServer((socket) => accept(socket));
  const own = () => `https://127.0.0.1:${(server.address() as { port: number } | null)?.port ?? 0}`;
  const answer = answering(seed, () => ({ own: own(), forbidden }));
  const inner = createTlsServer(certificate, answer).on('tlsClientError', () => undefined);
  inner.listen(0, '127.0.0.1');
  server.on('close', () => inner.close());
  let connections = 0;
  const accept = (socket: Socket): void => {
    connections += 1;
    const random = randomOf(seed, -connections);
    const kind = random.weighted({ relay: 60, slow: 10, cut: 10, silent: 8, noise: 12 });
    socket.on('error', () => undefined);
    if (kind === 'silent') return;
    if (kind === 'noise') return void socket.once('data', () => socket.write(noise(random, 2_000)));
    const { port } = inner.address() as { port: number };
    const link = connect(port, '127.0.0.1');
    link.on('error', () => socket.destroy()).on('close', () => socket.destroy());
    socket.on('close', () => link.destroy());
    socket.pipe(link);
    if (kind === 'relay') return void link.pipe(socket);
    const cutAfter = random.between(1, 1_500);
    let passed = 0;
    link.on('data', (bytes: Buffer) => {
      passed += bytes.length;
      if (kind === 'slow') trickle(socket, bytes, 10);
      else if (passed < cutAfter) socket.write(bytes);
      else socket.end(bytes.subarray(0, cutAfter));
    });
  };
  return server;
}
