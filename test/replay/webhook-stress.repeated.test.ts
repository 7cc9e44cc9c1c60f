/**
 * Signals at the moments in which an endpoint queue ends, continues as new or is started again: no delivery
 * is lost, made early or made twice at once (rules.md 44). The rows follow the same rules as in the database.
 */
import {
  webhookEndpointWorkflowId,
  type DeliverDueWebhooksInput,
  type DeliveryReport,
} from '../../contract/webhook-endpoint';
import { givenStressWorker, random, signalAtRandom, sleep, stressTimeoutMs } from './stress';

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

describe('an endpoint queue that is signaled at random moments', () => {
  const worker = givenStressWorker({
    pushDueRecords: () => Promise.reject(new Error('Nothing is pushed here.')),
    deliverDueWebhooks,
  });

  function emit(): Promise<unknown> {
    const now = Date.now();
    deliveries.push({ nextAttemptAt: now, attempts: 0, isUnderWay: false, isDelivered: false });
    return worker().handleRow({ topic: 'webhook_endpoint', tenantId, endpointId, nextDueAt: new Date(now) });
  }

  it(
    'loses nothing, and makes no delivery early or twice at once',
    async () => {
      const runs = await signalAtRandom(worker(), { workflowId, signal: emit });

      expect(deliveries.filter(({ isDelivered }) => !isDelivered)).toEqual([]);
      expect(violations).toEqual([]);
      expect(runs.CONTINUED_AS_NEW).toBeGreaterThan(1);
      expect(runs.COMPLETED).toBeGreaterThan(1);
      expect(runs.FAILED).toBeUndefined();
    },
    stressTimeoutMs,
  );
});
