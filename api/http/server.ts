/**
 * The HTTP server around the application: bounds on slow clients, answers to requests that are no HTTP, and an end that loses nobody
 *.
 */
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Express } from 'express';
import { createHttpTerminator } from 'http-terminator';
import { newUuid } from '../../db/sql/ids';
import { HttpError, toProblem } from './http-error';
import type { Readiness } from './readiness';
import type { StreamHub } from '../stream/stream-hub';

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** Above the 60 s of common load balancers, so that it is they who close an idle connection. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const REQUESTS_PER_SOCKET_MAX = 1_000;
/** Requests under way get this long to end. */
const FINISH_WITHIN_MS = 20_000;

export function createApiServer(app: Express, { publicUrl }: { publicUrl: string }): Server {
  // A missing Host is refused by the application, with problem details.
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
  // Node would answer 417 without a word to any expectation but 100-continue; RFC 9110 lets us overlook it.
  server.on('checkExpectation', app);
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
    answerUnreadable(error, socket, publicUrl),
  );
  return server;
}

const CLIENT_ERRORS: Readonly<Record<string, HttpError>> = {
  HPE_HEADER_OVERFLOW: new HttpError('header_too_large'),
  ERR_HTTP_REQUEST_TIMEOUT: new HttpError('request_timeout'),
};

/** What cannot be read as HTTP reaches no route, yet gets problem details like everything else. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket, publicUrl: string): void {
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
 * `/readyz` says no; after the pause no balancer sends anything new; then every answer closes its connection, streams end,
 * and what is under way is finished.
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
  await new Promise((resolve) => setTimeout(resolve, pauseMs));
  await stream.close();
  await terminator.terminate();
}
