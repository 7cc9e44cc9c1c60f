/** A TLS server in the place of Temporal, or of a proxy before it, that answers each call alike. */
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { makeSelfSigned } from './self-signed';

export interface RefusingTemporal {
  address: string;
  /** Its certificate, in PEM form. */
  certificate: string;
  stop(): void;
}

/** `headers` of every answer, for instance a `grpc-status`. */
export async function startRefusingTemporal(
  headers: http2.OutgoingHttpHeaders,
  options: http2.SecureServerOptions = {},
): Promise<RefusingTemporal> {
  const { key, cert } = makeSelfSigned();
  const server = http2.createSecureServer({ key, cert, ...options });
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    stream.respond({ 'content-type': 'application/grpc', ...headers }, { endStream: true });
  });
  server.on('sessionError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { address: `127.0.0.1:${port}`, certificate: cert, stop: () => void server.close() };
}
