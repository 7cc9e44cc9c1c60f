/**
 * The queue of a webhook endpoint: delivers the events that are due, one workflow per endpoint, so that an
 * endpoint that does not answer delays no other (rules.md 43 to 45).
 *
 * Deliveries and their next attempts are rows. The workflow stores only the next instant at which one may be
 * due (due-loop.ts) and the latest failures in a row, from which the next activity call knows that the
 * endpoint may be down.
 */
import { continueAsNew, setCurrentDetails, setHandler } from '@temporalio/workflow';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes';
import {
  deliveriesDueSignal,
  endpointQueueQuery,
  type WebhookEndpointInput,
} from '../contract/webhook-endpoint';
import { typeIdOf } from '../domain/typeid';
import {
  describeEndpoint,
  describeFirstDelivery,
  summarizeDeliveryWait,
} from '../domain/webhooks/webhook-description';
import { webhookActivities } from './activities';
import { DueLoop } from './due-loop';

export async function webhookEndpointWorkflow(input: WebhookEndpointInput): Promise<void> {
  const { endpointId } = input;
  const { deliverDueWebhooks } = webhookActivities(endpointId);
  let recentFailures = input.recentFailures ?? [];
  let pendingDeliveries = 0;
  const queue = new DueLoop({
    ...input,
    continueAsNew: (nextDueAt) =>
      continueAsNew<typeof webhookEndpointWorkflow>({ ...input, nextDueAt, recentFailures }),
  });

  setHandler(deliveriesDueSignal, (due) => queue.onDueSignal(due));
  setHandler(endpointQueueQuery, () => ({ nextDueAt: queue.nextDueAt, pendingDeliveries }));

  setCurrentDetails(describeFirstDelivery(input.nextDueAt));
  while (queue.hasWork) {
    await queue.sleepUntilDue(summarizeDeliveryWait(pendingDeliveries));
    const report = await queue.runDue((firedAt) =>
      deliverDueWebhooks({ endpointId, firedAt, recentFailures }),
    );

    ({ recentFailures, pendingDeliveries } = report);
    setCurrentDetails(describeEndpoint(report, queue.nextDueAt));
    queue.updateSearchAttributes([
      // Set here, because the dispatcher does not know the tenant of a platform endpoint: events of any
      // tenant start its queue.
      {
        key: SEARCH_ATTRIBUTES.tenantId,
        value: report.tenantId === null ? null : typeIdOf('ten', report.tenantId),
      },
      {
        key: SEARCH_ATTRIBUTES.nextDueAt,
        value: queue.nextDueAt === null ? null : new Date(queue.nextDueAt),
      },
    ]);
    await queue.continueInNewHistoryIfLong();
  }
}
