/**
 * The lane of a webhook endpoint: delivers what is due to it, one workflow per endpoint, so that one that hangs holds up nobody else
 * (rules.md 43 to 45).
 *
 * Deliveries and their next attempts are rows; the lane keeps nothing but the next instant at which one may be due, and the last
 * failures in a row. It ends when nothing waits; the next signal-with-start brings it back. Nothing is lost at the end: handlers are
 * synchronous, and between the last look at `wakeAt` and `return` there is no await, so a signal that arrives in that instant makes
 * the server refuse the end and replay it.
 */
import { condition, continueAsNew, setCurrentDetails, setHandler, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes';
import { deliveriesDueSignal, type DeliveryReport, webhookEndpointQuery, type WebhookEndpointInput } from '../contract/webhook-endpoint';
import { describeEndpoint, describeFirstDelivery, summarizeDeliveryWait } from '../domain/webhooks/webhook-description';
import { wireIdOf } from '../domain/typeid';
import { webhookActivities } from './activities';

const NEVER = Number.POSITIVE_INFINITY;
const SEARCHABLE_EVERY_MS = 60_000;
/** Nothing is ever due later than this: waits are a day or two at most. */
const FARTHEST_MS = 400 * 24 * 3_600_000;

export async function webhookEndpointWorkflow(input: WebhookEndpointInput): Promise<void> {
  const { endpointId } = input;
  const { deliverDueWebhooks } = webhookActivities(endpointId);
  let wakeAt = input.wakeAt;
  let recentFailures = input.recentFailures ?? [];
  let pendingDeliveries = 0;
  let madeSearchableAt = 0;

  // A signal may be repeated, late, or sent by hand with nonsense in it: at worst the lane looks once in vain.
  setHandler(deliveriesDueSignal, (due) => {
    const isInstant = Number.isFinite(due?.wakeAt) && due.wakeAt < Date.now() + FARTHEST_MS;
    wakeAt = Math.min(wakeAt, isInstant ? due.wakeAt : Date.now());
  });
  setHandler(webhookEndpointQuery, () => ({ wakeAt: wakeAt === NEVER ? null : wakeAt, pendingDeliveries }));

  setCurrentDetails(describeFirstDelivery(wakeAt));
  while (wakeAt !== NEVER) {
    await wakeTime();
    wakeAt = NEVER; // signals set it again while the activity runs
    const report = await deliverDueWebhooks({ endpointId, firedAt: Date.now(), recentFailures });
    wakeAt = Math.min(wakeAt, report.wakeAt ?? NEVER);
    recentFailures = report.recentFailures;
    pendingDeliveries = report.pendingDeliveries;
    show(report);
    if (wakeAt !== NEVER && isHistoryLong()) await startOver();
  }

  /** Sleeps until `wakeAt`, also where a signal moves it earlier meanwhile. */
  async function wakeTime(): Promise<void> {
    while (wakeAt > Date.now()) {
      const until = wakeAt;
      await condition(() => wakeAt < until || isHistoryLong(), until - Date.now(), { summary: summarizeDeliveryWait(pendingDeliveries) });
      if (isHistoryLong()) await startOver();
    }
  }

  function isHistoryLong(): boolean {
    return workflowInfo().continueAsNewSuggested;
  }

  async function startOver(): Promise<void> {
    await continueAsNew<typeof webhookEndpointWorkflow>({ ...input, wakeAt, recentFailures });
  }

  function show(report: DeliveryReport): void {
    setCurrentDetails(describeEndpoint(report, wakeAt === NEVER ? null : wakeAt));
    if (!input.hasSearchAttributes || Date.now() - madeSearchableAt < SEARCHABLE_EVERY_MS) return;
    madeSearchableAt = Date.now();
    upsertSearchAttributes([
      // Not known to who wakes it: an event of any tenant wakes an endpoint of the platform.
      { key: SEARCH_ATTRIBUTES.tenantId, value: report.tenantId === null ? null : wireIdOf('ten', report.tenantId) },
      { key: SEARCH_ATTRIBUTES.nextDueAt, value: wakeAt === NEVER ? null : new Date(wakeAt) },
    ]);
  }
}
