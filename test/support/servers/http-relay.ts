/**
 * A relay between Syncline and a real third party over HTTP: passes on every request and lists it. A
 * test can hold a request up, or do something in the third party before it goes on, and so choose the moment
 * exactly.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

interface RelayedRequest {
  method: string;
  /** With its query. */
  path: string;
  /** Milliseconds since 1970 of its arrival. */
  at: number;
  /** Of the answer; null = none yet. */
  status: number | null;
}

export interface HttpRelay {
  port: number;
  requests: RelayedRequest[];
  /** Called when a request has come and before it goes on; may wait. */
  before: (request: RelayedRequest) => void | Promise<void>;
  /** No more waiting, and an empty list. */
  reset(): void;
  stop(): Promise<void>;
}

export async function startHttpRelay(upstreamPort: number): Promise<HttpRelay> {
  const server = http.createServer(
    (request, response) => void handOn(request, response).catch(() => response.destroy()),
  );

  async function handOn(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const noted: RelayedRequest = {
      method: request.method ?? '',
      path: request.url ?? '',
      at: Date.now(),
      status: null,
    };
    relay.requests.push(noted);
    await relay.before(noted);
    const { method, url: path, headers } = request;
    const onward = http.request(
      { host: '127.0.0.1', port: upstreamPort, method, path, headers },
      (answer) => {
        noted.status = answer.statusCode ?? null;
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  }

  const relay: HttpRelay = {
    port: 0,
    requests: [],
    before: () => undefined,
    reset() {
      relay.before = () => undefined;
      relay.requests.length = 0;
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  relay.port = (server.address() as AddressInfo).port;
  return relay;
}

/** A latch: callers wait until it is opened. */
export function createLatch(): { wait(): Promise<void>; open(): void; waiting: number } {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  const latch = {
    waiting: 0,
    open,
    async wait() {
      latch.waiting += 1;
      await opened;
    },
  };
  return latch;
}
