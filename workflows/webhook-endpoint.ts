/**
 * The lane of a webhook endpoint: delivers what is due to it, one workflow per endpoint, so that one that hangs holds up nobody else
 * (rules.md 43 to 45).
 *
 * Deliveries and their next attempts are rows; the lane keeps nothing but the next instant at which one may be due, and the last
 * failures in a row. It ends when nothing waits; the next signal-with-start brings it back. Nothing is lost at the end: handlers are
 * synchronous, and between the last look at `nextDueAt` and `return` there is no await, so a signal that arrives in that instant makes
 * the server refuse the end and replay it.
 */
import {
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes';
import {
  deliveriesDueSignal,
  type DeliveryReport,
  webhookEndpointQuery,
  type WebhookEndpointInput,
} from '../contract/webhook-endpoint';
import {
  describeEndpoint,
  describeFirstDelivery,
  summarizeDeliveryWait,
} from '../domain/webhooks/webhook-description';
import { typeIdOf } from '../domain/typeid';
import { webhookActivities } from './activities';

const NEVER = Number.POSITIVE_INFINITY;
const SEARCHABLE_EVERY_MS = 60_000;
/** Nothing is ever due later than this: waits are a day or two at most. */
const FARTHEST_MS = 400 * 24 * 3_600_000;

export async function webhookEndpointWorkflow(input: WebhookEndpointInput): Promise<void> {
  const { endpointId } = input;
  const { deliverDueWebhooks } = webhookActivities(endpointId);
  let nextDueAt = input.nextDueAt;
  let recentFailures = input.recentFailures ?? [];
  let pendingDeliveries = 0;
  let madeSearchableAt = 0;

  // A signal may be repeated, late, or sent by hand with nonsense in it: at worst the lane looks once in vain.
  setHandler(deliveriesDueSignal, (due) => {
    const isInstant = Number.isFinite(due?.nextDueAt) && due.nextDueAt < Date.now() + FARTHEST_MS;
    nextDueAt = Math.min(nextDueAt, isInstant ? due.nextDueAt : Date.now());
  });
  setHandler(webhookEndpointQuery, () => ({
    nextDueAt: nextDueAt === NEVER ? null : nextDueAt,
    pendingDeliveries,
  }));

  setCurrentDetails(describeFirstDelivery(nextDueAt));
  while (nextDueAt !== NEVER) {
    await sleepUntilDue();
    nextDueAt = NEVER; // signals set it again while the activity runs
    const report = await deliverDueWebhooks({ endpointId, firedAt: Date.now(), recentFailures });
    nextDueAt = Math.min(nextDueAt, report.nextDueAt ?? NEVER);
    recentFailures = report.recentFailures;
    pendingDeliveries = report.pendingDeliveries;
    show(report);
    if (nextDueAt !== NEVER && isHistoryLong()) await startOver();
  }

  /** Sleeps until `nextDueAt`, also where a signal moves it earlier meanwhile. */
  async function sleepUntilDue(): Promise<void> {
    while (nextDueAt > Date.now()) {
      const until = nextDueAt;
      await condition(() => nextDueAt < until || isHistoryLong(), until - Date.now(), {
        summary: summarizeDeliveryWait(pendingDeliveries),
      });
      if (isHistoryLong()) await startOver();
    }
  }

  function isHistoryLong(): boolean {
    return workflowInfo().continueAsNewSuggested;
  }

  async function startOver(): Promise<void> {
    await continueAsNew<typeof webhookEndpointWorkflow>({ ...input, nextDueAt, recentFailures });
  }

  function show(report: DeliveryReport): void {
    setCurrentDetails(describeEndpoint(report, nextDueAt === NEVER ? null : nextDueAt));
    if (!input.hasSearchAttributes || Date.now() - madeSearchableAt < SEARCHABLE_EVERY_MS) return;
    madeSearchableAt = Date.now();
    upsertSearchAttributes([
      // Not known to who wakes it: an event of any tenant wakes an endpoint of the platform.
      {
        key: SEARCH_ATTRIBUTES.tenantId,
        value: report.tenantId === null ? null : typeIdOf('ten', report.tenantId),
      },
      { key: SEARCH_ATTRIBUTES.nextDueAt, value: nextDueAt === NEVER ? null : new Date(nextDueAt) },
    ]);
  }
}
