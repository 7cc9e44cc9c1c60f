/** A tenant in this process whose changes are pushed to a third party that answers well and at once. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createHttpClient } from '../../egress/http-client';
import { aContact, contactsConfig, pushOne, restContext } from '../connectors/rest/rest-given';
import { loopbackPolicy } from '../connectors/suite/given';
import { waitedMs } from './event-loop-watch';

const PAUSE_MS = 100;

export interface HealthyTenant {
  /** What it saw: the longest push in milliseconds, and the pushes that failed. */
  stop(): Promise<{ longestMs: number; failures: string[] }>;
}

/** Begins to push a change several times a second. */
export async function startHealthyTenant(): Promise<HealthyTenant> {
  const server = createServer((request, response) => {
    const answer = request.method === 'GET' ? { items: [] } : { id: 'r1' };
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const context = {
    ...restContext(contactsConfig(`http://${host}`)),
    http: createHttpClient({
      policy: loopbackPolicy,
      hosts: [host],
      signal: new AbortController().signal,
      owner: { tenantId: 'healthy', integrationId: 'healthy' },
    }),
  };
  const failures: string[] = [];
  let [isOver, longestMs] = [false, 0];
  const work = (async () => {
    while (!isOver) {
      const [begin, waited] = [performance.now(), waitedMs()];
      const result = await pushOne(aContact(), context);
      if (!result.ok) failures.push(result.error.message);
      longestMs = Math.max(longestMs, performance.now() - begin - (waitedMs() - waited));
      await sleep(PAUSE_MS);
    }
  })();
  return {
    async stop() {
      isOver = true;
      await work;
      server.close();
      return { longestMs, failures };
    },
  };
}
