/** Writers that go on whatever happens, and keep every answer. Each write is a record of its own. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Answer, recordPath } from './api-client';
import type { ProductTenant } from '../environments/product';

export interface Write {
  externalId: string;
  /** Milliseconds since 1970. */
  sentAt: number;
  /** Undefined: the connection broke, and the outcome is unknown. */
  answer: Answer | undefined;
}

export interface Load {
  writes: Write[];
  acknowledged(): string[];
  /** Ends after the writes under way. */
  stop(): Promise<void>;
}

/**
 * About `perSecond` writes a second, in turns, however slow the answers are. `isDatabaseWell`: a write is
 * repeated if it waits too long for a connection, because on a busy machine that says nothing about the test.
 */
export function startLoad(
  tenant: ProductTenant,
  options: { perSecond: number; prefix: string; isDatabaseWell?: boolean },
): Load {
  const { perSecond, prefix, isDatabaseWell = false } = options;
  const writes: Write[] = [];
  const underWay = new Set<Promise<void>>();
  let isStopped = false;

  async function write(externalId: string): Promise<void> {
    const entry: Write = { externalId, sentAt: Date.now(), answer: undefined };
    writes.push(entry);
    do
      entry.answer = await tenant.api
        .call('PUT', recordPath(externalId), { fields: { name: externalId, rev: 1 }, version: 1 })
        .catch(() => undefined);
    while (isDatabaseWell && entry.answer?.body.code === 'database_unavailable');
  }

  async function run(): Promise<void> {
    for (let count = 0; !isStopped; count += 1) {
      const writing = write(`${prefix}-${count}`).finally(() => underWay.delete(writing));
      underWay.add(writing);
      await sleep(1_000 / perSecond);
    }
  }

  const running = run();
  return {
    writes,
    acknowledged: () =>
      writes.filter(({ answer }) => answer?.status === 202).map(({ externalId }) => externalId),
    async stop() {
      isStopped = true;
      await running;
      await Promise.all(underWay);
    },
  };
}
