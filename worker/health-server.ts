/**
 * `/livez` and `/readyz` of a worker, for supervisors. `/livez` is answered by the event loop itself;
 * `/readyz` checks what else the worker needs.
 */
import http from 'node:http';
import type { Logger } from 'pino';
import type { Database } from '../db/database';
import { askDatabase } from '../db/platform/database-health';
import { type Finding, type Findings, isReady } from '../domain/health';

const ANSWER_WITHIN_MS = 2_000;

export interface HealthServerOptions {
  /** null = no server. */
  address: { host: string; port: number } | null;
  database: Database;
  eventLoop: () => Finding;
  log: Logger;
}

export interface HealthServer {
  /** From now on Temporal is asked; before, it is not connected. */
  askTemporal(ask: (withinMs: number) => Promise<Findings>): void;
  stop(): void;
}

export function startHealthServer({ address, database, eventLoop, log }: HealthServerOptions): HealthServer {
  let temporal = async (_withinMs: number): Promise<Findings> => ({
    temporal: { status: 'failed', detail: 'The worker has not connected to Temporal yet.' },
  });
  const report = async (): Promise<Findings> => {
    const [stores, ofTemporal] = await Promise.all([
      askDatabase(database, ANSWER_WITHIN_MS),
      temporal(ANSWER_WITHIN_MS),
    ]);
    return { event_loop: eventLoop(), ...stores, ...ofTemporal };
  };
  const server = http.createServer((request, response) => {
    const answer = (status: number, body: object): void =>
      void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    if (request.url === '/livez') return answer(200, { status: 'ok' });
    if (request.url !== '/readyz') return answer(404, { status: 'unknown path' });
    report().then(
      (checks) =>
        isReady(checks)
          ? answer(200, { status: 'ok', checks })
          : answer(503, { status: 'not_ready', checks }),
      (error: unknown) => {
        log.error({ err: error }, 'could not answer a health check');
        answer(503, { status: 'not_ready' });
      },
    );
  });
  server.on('error', (err) => log.error({ err, ...address }, 'the health server cannot listen'));
  if (address !== null) server.listen(address);
  return {
    askTemporal(ask) {
      temporal = ask;
    },
    stop: () => void server.close(),
  };
}
