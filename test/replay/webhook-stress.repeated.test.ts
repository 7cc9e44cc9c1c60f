/**
 * Signals in the very moments in which an endpoint queue ends, continues as new or is started again: no
 * delivery may be lost, made early or made twice at once (rules.md 44). The real workflow on the real server,
 * configured to suggest a new run after every 60 events; the rows are kept here, by the same rules as in
 * the database.
 */
import fs from 'node:fs';
import path from 'node:path';
import {
  webhookEndpointWorkflowId,
  type DeliverDueWebhooksInput,
  type DeliveryReport,
} from '../../contract/webhook-endpoint';
import { startTemporalServer, type TemporalServer } from '../../dev/start/temporal';
import { createOutboxHandlers } from '../../worker/outbox-handlers';
import { createRunFolder } from '../support/environments/run-folder';
import { Random } from '../support/random';
import { repetitions } from '../support/tier';
import { workflowBundle } from '../support/servers/shared-servers';
import { type PushWorker, quietenTemporal, startPushWorker } from './push-worker';

const EVENTS = Number(process.env.STRESS_SIGNALS ?? repetitions({ quick: 150, full: 300 }));
const tenantId = '01900000-0000-7000-8000-000000000001';
const endpointId = '01900000-0000-7000-8000-000000000003';
const workflowId = webhookEndpointWorkflowId({ endpointId });

interface Delivery {
  /** null = nothing is to be done: it is under way, or was delivered. */
  nextAttemptAt: number | null;
  attempts: number;
  isUnderWay: boolean;
  isDelivered: boolean;
}

const deliveries: Delivery[] = [];
const violations: string[] = [];
const random = new Random();
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** One in three fails and is tried again a moment later. */
async function attempt(delivery: Delivery, firedAt: number): Promise<boolean> {
  if (delivery.isUnderWay || delivery.isDelivered) violations.push('a delivery was made twice at once');
  if (delivery.nextAttemptAt === null || delivery.nextAttemptAt > firedAt)
    violations.push('a delivery was made early');
  Object.assign(delivery, { isUnderWay: true, nextAttemptAt: null, attempts: delivery.attempts + 1 });
  await sleep(random.next() * 10);
  const isDelivered = random.next() < 2 / 3;
  Object.assign(delivery, {
    isUnderWay: false,
    isDelivered,
    nextAttemptAt: isDelivered ? null : Date.now() + random.next() * 60,
  });
  return isDelivered;
}

async function deliverDueWebhooks({ firedAt }: DeliverDueWebhooksInput): Promise<DeliveryReport> {
  const due = deliveries.filter(({ nextAttemptAt }) => nextAttemptAt !== null && nextAttemptAt <= firedAt);
  const outcomes = await Promise.all(due.map((delivery) => attempt(delivery, firedAt)));
  const waiting = deliveries.flatMap(({ nextAttemptAt }) => nextAttemptAt ?? []);
  const delivered = outcomes.filter(Boolean).length;
  await sleep(random.next() * 5); // between the last look at the rows and the end a signal may come
  return {
    state: 'working',
    tenantId,
    delivered,
    failedAttempts: outcomes.length - delivered,
    nextDueAt: waiting.length === 0 ? null : Math.min(...waiting),
    pendingDeliveries: waiting.length,
    blockedUntil: null,
    recentFailures: [],
  };
}

describe('an endpoint queue that is signalled in every moment of its life', () => {
  let server: TemporalServer;
  let pushEnv: PushWorker;
  const folder = createRunFolder();

  beforeAll(async () => {
    quietenTemporal();
    server = await startTemporalServer({
      logFile: path.join(folder, 'temporal.log'),
      dynamicConfig: { 'limit.historyCount.suggestContinueAsNew': '60' },
    });
    pushEnv = await startPushWorker({
      address: server.address,
      workflows: { workflowBundle: workflowBundle() },
      activities: {
        pushDueRecords: () => Promise.reject(new Error('Nothing is pushed here.')),
        deliverDueWebhooks,
      },
      hasSearchAttributes: true,
    });
  });
  afterAll(async () => {
    await pushEnv.stop();
    await server.stop();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  it(
    'loses nothing, and makes no delivery early or twice at once',
    async () => {
      const handleRow = createOutboxHandlers(pushEnv.client, { hasSearchAttributes: true });
      const sending: Promise<unknown>[] = [];
      for (let event = 0; event < EVENTS; event += 1) {
        const now = Date.now();
        deliveries.push({ nextAttemptAt: now, attempts: 0, isUnderWay: false, isDelivered: false });
        sending.push(
          handleRow({ topic: 'webhook_endpoint', tenantId, endpointId, nextDueAt: new Date(now) }),
        );
        await sleep(random.next() < 0.04 ? 250 : random.next() * 40); // now and then long enough to let it end
        if (event === Math.floor(EVENTS / 2)) {
          await Promise.all(sending);
          await pushEnv.client.workflow.getHandle(workflowId).result(); // ends at least twice on any machine
        }
      }
      await Promise.all(sending);
      await pushEnv.client.workflow.getHandle(workflowId).result();

      expect(deliveries.filter(({ isDelivered }) => !isDelivered)).toEqual([]);
      expect(violations).toEqual([]);
      const statuses: Record<string, number> = {};
      for await (const { status } of pushEnv.client.workflow.list({ query: `WorkflowId = "${workflowId}"` }))
        statuses[status.name] = (statuses[status.name] ?? 0) + 1;
      expect(statuses.CONTINUED_AS_NEW).toBeGreaterThan(1);
      expect(statuses.COMPLETED).toBeGreaterThan(1);
      expect(statuses.FAILED).toBeUndefined();
    },
    30_000 + EVENTS * 200,
  );
});
