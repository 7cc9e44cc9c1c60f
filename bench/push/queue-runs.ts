/** The push path itself: many changes of one integration, from the API to the third party. */
import type { Client } from '@temporalio/client';
import type { Pool } from 'pg';
import { employees } from '../employees';
import { until } from '../measure';
import { linkTenant, type Product } from '../product';
import { acceptThroughApi, checkAllPushedOnce, lastDueAt } from './acceptance';
import { costOfQueue, endOfQueue, type QueueCost } from './queue-cost';

export interface Surroundings {
  product: Product;
  pool: Pool;
  temporal: Client;
}

export interface PushQueueRun {
  acceptedPerSecond: number;
  /** The second round, in which every change restarts a debounce window; null if there was none. */
  againPerSecond: number | null;
  /**
   * From the due time of the last change to the end of the push queue, when all records are pushed and
   * recorded.
   */
  drainSeconds: number;
  /** From the first request to the end of the push queue, less the grace period. */
  totalSeconds: number;
  cost: QueueCost;
}

/** `isChangedAgain`: all records are changed a second time within their debounce windows. */
export async function runPushQueue(
  { product, pool, temporal }: Surroundings,
  { count, graceMs, isChangedAgain = false }: { count: number; graceMs: number; isChangedAgain?: boolean },
): Promise<PushQueueRun> {
  const tenant = await linkTenant(product, { graceMs });
  const first = await acceptThroughApi(product, tenant, employees(count));
  const again = isChangedAgain
    ? await acceptThroughApi(product, tenant, employees(count, { round: 2 }))
    : undefined;
  const dueAt = await lastDueAt(pool, tenant);
  const endedAt = await endOfQueue(temporal, tenant.integrationId, graceMs + 60_000);
  await checkAllPushedOnce(pool, tenant.integrationId, count);
  return {
    acceptedPerSecond: first.perSecond,
    againPerSecond: again?.perSecond ?? null,
    drainSeconds: (endedAt - dueAt) / 1_000,
    totalSeconds: (endedAt - first.startedAt - graceMs) / 1_000,
    cost: await costOfQueue(temporal, tenant.integrationId),
  };
}

export interface Backlog {
  acceptedPerSecond: number;
  /** From the request to resume to the end of the push queue. */
  drainSeconds: number;
  cost: QueueCost;
}

/**
 * All records due at once: they are accepted while the integration is paused, become due, and the integration
 * is resumed.
 */
export async function runBacklog(
  { product, pool, temporal }: Surroundings,
  { count }: { count: number },
): Promise<Backlog> {
  const graceMs = 1_000;
  const tenant = await linkTenant(product, { graceMs });
  await tenant.call(`/integrations/${tenant.integration}/pause`, {});
  const { perSecond } = await acceptThroughApi(product, tenant, employees(count));
  const dueAt = await lastDueAt(pool, tenant);
  await until('The last window passes', graceMs + 1_000, async () => (Date.now() > dueAt ? true : undefined));
  const resumedAt = Date.now();
  await tenant.call(`/integrations/${tenant.integration}/resume`, {});
  const endedAt = await endOfQueue(temporal, tenant.integrationId, 90_000);
  await checkAllPushedOnce(pool, tenant.integrationId, count);
  return {
    acceptedPerSecond: perSecond,
    drainSeconds: (endedAt - resumedAt) / 1_000,
    cost: await costOfQueue(temporal, tenant.integrationId),
  };
}
