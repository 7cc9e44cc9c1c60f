/** One change on an idle machine: from its due time to the third party's answer over HTTP. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { employees } from '../employees';
import { median, until } from '../measure';
import { linkTenant, type Product } from '../product';
import type { BenchEnvironment } from '../environment';
import { countOpenQueues } from './queue-cost';

const GRACE_MS = 1_000;

export interface SingleChanges {
  medianMs: number;
  slowestMs: number;
  /** Push queues still open a moment after the last push. */
  openQueues: number;
}

export async function runSingleChanges(
  environment: BenchEnvironment,
  product: Product,
  temporal: Client,
  { count }: { count: number },
): Promise<SingleChanges> {
  const answeredAt: number[] = [];
  const thirdParty = http.createServer((request, response) => {
    request.resume().once('end', () => response.writeHead(204).end(() => answeredAt.push(Date.now())));
  });
  await new Promise<void>((resolve) => thirdParty.listen(0, '127.0.0.1', resolve));
  environment.onClose(async () => thirdParty.closeAllConnections());
  const url = `http://127.0.0.1:${(thirdParty.address() as AddressInfo).port}/`;
  const tenant = await linkTenant(product, { graceMs: GRACE_MS, config: { url } });

  const delays: number[] = [];
  for (const [position, record] of employees(count).entries()) {
    const answer = (await tenant.call('/records/batch', { records: [record] })) as {
      results: { change: { syncs: { due_at: string }[] } }[];
    };
    const dueAt = Date.parse(answer.results[0]?.change.syncs[0]?.due_at as string);
    const at = await until(
      'The third party receives the change',
      GRACE_MS + 20_000,
      async () => answeredAt[position],
      20,
    );
    if (at < dueAt) throw new Error(`Change ${position} was pushed ${dueAt - at} ms before its time.`);
    delays.push(at - dueAt);
    await sleep(150 + 40 * (position % 7)); // the push queue ends; times vary relative to polls
  }
  await sleep(1_000);
  thirdParty.close();
  return {
    medianMs: median(delays),
    slowestMs: Math.max(...delays),
    openQueues: await countOpenQueues(temporal),
  };
}
