/** Tenants with endpoints, made through the API; events, written as the product writes them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { webhookEndpointWorkflowId } from '../../contract/webhook-endpoint';
import type { Database } from '../../db/database';
import { emitEvents } from '../../db/webhooks/events';
import { fromTypeId } from '../../db/sql/ids';
import { until } from '../measure';
import { givenTenant, type Product } from '../product';

export interface BenchmarkTenant {
  tenantId: string;
  endpointIds: string[];
}

/** A new tenant with an endpoint for each of these addresses. */
export async function createTenant(product: Product, urls: readonly string[]): Promise<BenchmarkTenant> {
  const { tenantId, call } = await givenTenant(product);
  const endpointIds: string[] = [];
  for (const url of urls)
    endpointIds.push(fromTypeId('whe', (await call('/webhook-endpoints', { url })).id as string) as string);
  return { tenantId, endpointIds };
}

/** Emits `count` events, `perTransaction` in each transaction, with a pause after each transaction. */
export async function emitTestEvents(
  database: Database,
  { tenantId }: BenchmarkTenant,
  { count, perTransaction, pauseMs = 0 }: { count: number; perTransaction: number; pauseMs?: number },
): Promise<void> {
  for (let emitted = 0; emitted < count; emitted += perTransaction) {
    const events = Array.from({ length: perTransaction }, () => ({
      type: 'TEST' as const,
      integrationId: null,
      data: { message: 'of the size of most: ids, counts and states' },
    }));
    await database.withTenant(tenantId, (work) => emitEvents(work, events));
    if (pauseMs > 0) await sleep(pauseMs);
  }
}

/** Events in the histories of all runs of an endpoint's queue, once it has ended. */
export async function historyEventsOf(client: Client, endpointId: string): Promise<number> {
  const workflowId = webhookEndpointWorkflowId({ endpointId });
  await until('the endpoint queue ends', 60_000, async () =>
    (await client.workflow.getHandle(workflowId).describe()).status.name === 'COMPLETED' ? true : undefined,
  );
  let events = 0;
  for await (const { runId } of client.workflow.list({ query: `WorkflowId = "${workflowId}"` })) {
    events += (await client.workflow.getHandle(workflowId, runId).fetchHistory()).events?.length ?? 0;
  }
  return events;
}
