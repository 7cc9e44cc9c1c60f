/** What the queue of a webhook endpoint goes through when its histories are recorded (record.ts). */
import type { WebhookActivities } from '../../activities/webhooks/webhook-deliveries';
import {
  type DeliveryReport,
  deliveriesDueSignal,
  webhookEndpointWorkflowId,
} from '../../contract/webhook-endpoint';
import { createOutboxHandlers } from '../../worker/outbox-handlers';
import type { PushWorker } from './push-worker';

type Answer = (firedAt: number) => Promise<Partial<DeliveryReport>> | Partial<DeliveryReport>;
interface Scenario {
  name: string;
  /** The result of each activity, in order; afterwards nothing waits. */
  answers: Answer[];
  /** Signals after the first one. */
  duringRun?: (signal: (...args: unknown[]) => Promise<void>) => Promise<void>;
  /** With search attributes too. */
  isSearchable?: boolean;
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const tenantId = '01900000-0000-7000-8000-000000000001';
const done: Answer = () => ({ delivered: 3 });
const retrying =
  (inMs: number): Answer =>
  (firedAt) => ({
    failedAttempts: 1,
    nextDueAt: firedAt + inMs,
    pendingDeliveries: 1,
    recentFailures: [firedAt],
  });

export const scenarios: Scenario[] = [
  { name: 'plain', answers: [done], isSearchable: true },
  { name: 'retried', answers: [retrying(300), retrying(300), done] },
  {
    name: 'paused',
    answers: [
      (firedAt) => ({
        failedAttempts: 5,
        nextDueAt: firedAt + 400,
        pendingDeliveries: 9,
        blockedUntil: firedAt + 400,
      }),
      done,
    ],
    isSearchable: true,
  },
  { name: 'disabled', answers: [() => ({ state: 'disabled', failedAttempts: 1 })] },
  { name: 'deleted', answers: [() => ({ state: 'deleted', tenantId: null })] },
  {
    name: 'activity-failed',
    answers: [() => Promise.reject(new Error('The database does not answer.')), done],
  },
  {
    name: 'signaled-while-delivering',
    answers: [async () => (await sleep(400), { delivered: 1 }), done],
    async duringRun(signal) {
      await sleep(200);
      await signal({ nextDueAt: Date.now() });
    },
  },
  {
    name: 'due-earlier-while-sleeping',
    answers: [retrying(5_000), done],
    async duringRun(signal) {
      await sleep(600);
      await signal({ nextDueAt: Date.now() });
    },
  },
  {
    name: 'malformed-signals',
    answers: [retrying(500), done],
    async duringRun(signal) {
      for (const senseless of [[], [null], [{ nextDueAt: 1e300 }], [{ nextDueAt: 'soon' }]])
        await signal(...senseless);
    },
  },
  {
    name: 'continued-as-new-after-an-execution',
    answers: Array.from({ length: 9 }, () => retrying(50)).concat(done),
    isSearchable: true,
  },
  {
    name: 'continued-as-new-while-sleeping',
    answers: [retrying(10_000), done],
    async duringRun(signal) {
      await sleep(400);
      for (let count = 0; count < 40; count += 1) await signal({ nextDueAt: Date.now() + 60_000 });
    },
  },
];

let answers: Answer[] = [];
const nothingWaits: DeliveryReport = {
  state: 'working',
  tenantId,
  delivered: 0,
  failedAttempts: 0,
  nextDueAt: null,
  pendingDeliveries: 0,
  blockedUntil: null,
  recentFailures: [],
};

export const webhookActivities: WebhookActivities = {
  deliverDueWebhooks: async ({ firedAt }) => ({ ...nothingWaits, ...(await answers.shift()?.(firedAt)) }),
};

/** Plays a scenario to its end. @returns the workflow's id. */
export async function playEndpoint(
  { client }: PushWorker,
  scenario: Scenario,
  endpointId: string,
  hasSearchAttributes: boolean,
): Promise<string> {
  answers = [...scenario.answers];
  await createOutboxHandlers(client, { hasSearchAttributes })({
    topic: 'webhook_endpoint',
    tenantId,
    endpointId,
    nextDueAt: new Date(Date.now() + 200),
  });
  const handle = client.workflow.getHandle(webhookEndpointWorkflowId({ endpointId }));
  await scenario.duringRun?.((...args) => handle.signal(deliveriesDueSignal.name, ...args));
  await handle.result();
  return handle.workflowId;
}
