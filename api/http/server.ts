/**
 * The HTTP server around the application: limits on slow clients, responses to malformed HTTP, and a graceful
 * shutdown.
 */
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Express } from 'express';
import { createHttpTerminator } from 'http-terminator';
import { newUuid } from '../../db/sql/ids';
import { HttpError, toProblem } from './http-error';
import type { Metrics } from './metrics';
import type { Readiness } from './readiness';
import type { StreamHub } from '../stream/stream-hub';

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Above the 60 s of common load balancers, so that they close idle connections first. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const REQUESTS_PER_SOCKET_MAX = 1_000;
/** Running requests get this long to finish. */
const FINISH_WITHIN_MS = 20_000;

export function createApiServer(app: Express, { publicUrl }: { publicUrl: string }): Server {
  // The application refuses a missing Host header, with problem details.
  const server = createServer(
    {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      connectionsCheckingInterval: 1_000,
      requireHostHeader: false,
    },
    app,
  );
  server.maxRequestsPerSocket = REQUESTS_PER_SOCKET_MAX;
  // Node answers 417 without a body to expectations other than 100-continue; RFC 9110 allows ignoring them.
  server.on('checkExpectation', app);
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
    respondToMalformedRequest(error, socket, publicUrl),
  );
  return server;
}

/** Metrics have a host and port of their own, so that callers of the API cannot read them. */
export function createMetricsServer({ registry }: Metrics): Server {
  return createServer((request, response) => {
    if (request.method !== 'GET' || request.url?.split('?')[0] !== '/metrics')
      return void response.writeHead(404).end();
    registry.metrics().then(
      (text) => response.writeHead(200, { 'Content-Type': registry.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
}

const CLIENT_ERRORS: Readonly<Record<string, HttpError>> = {
  HPE_HEADER_OVERFLOW: new HttpError('header_too_large'),
  ERR_HTTP_REQUEST_TIMEOUT: new HttpError('request_timeout'),
};

/** Malformed HTTP reaches no route, but gets problem details like any other error. */
function respondToMalformedRequest(error: NodeJS.ErrnoException, socket: Socket, publicUrl: string): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
  const refusal = CLIENT_ERRORS[error.code ?? ''] ?? new HttpError('bad_request');
  const requestId = newUuid();
  const body = JSON.stringify(toProblem(refusal, { publicUrl, requestId }));
  const head = [
    `HTTP/1.1 ${refusal.status} ${refusal.code}`,
    'Content-Type: application/problem+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    'Cache-Control: no-store',
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/**
 * First `/readyz` reports not ready, and every response closes its connection. After the pause no load
 * balancer sends new requests; then streams end, and running requests finish.
 */
export async function drain({
  server,
  readiness,
  stream,
  pauseMs,
}: {
  server: Server;
  readiness: Readiness;
  stream: StreamHub;
  pauseMs: number;
}): Promise<void> {
  const terminator = createHttpTerminator({ server, gracefulTerminationTimeout: FINISH_WITHIN_MS });
  readiness.startDraining();
  server.prependListener('request', (_request, response) => response.setHeader('Connection', 'close'));
  await new Promise((resolve) => setTimeout(resolve, pauseMs));
  await stream.close();
  await terminator.terminate();
}
