/** Names and messages of the queue of a webhook endpoint. Permanent: running workflows carry them. */
import { defineQuery, defineSignal } from '@temporalio/workflow';
import { typeIdOf } from '../domain/typeid';

export const WEBHOOK_ENDPOINT_WORKFLOW = 'webhookEndpointWorkflow';

export interface WebhookEndpointInput {
  endpointId: string;
  /** The earliest instant at which something may be due, in milliseconds since 1970. */
  nextDueAt: number;
  /**
   * False if the cluster has not registered our search attributes: an unknown one would block the workflow.
   */
  hasSearchAttributes: boolean;
  /** As of the last report before the workflow continued in a new history. */
  recentFailures?: readonly number[];
}

/** One queue per endpoint, under the id that the API shows: `webhook-endpoint:whe_…`. */
export function webhookEndpointWorkflowId({ endpointId }: { endpointId: string }): string {
  return `webhook-endpoint:${typeIdOf('whe', endpointId)}`;
}

/**
 * A delivery is due at `nextDueAt` (milliseconds since 1970). Sending the signal twice is harmless, and an
 * instant later than the one that the workflow knows changes nothing.
 */
export const deliveriesDueSignal = defineSignal<[{ nextDueAt: number }]>('deliveriesDue');

/** What the endpoint queue waits for, for operators and tests. */
export const endpointQueueQuery = defineQuery<EndpointQueueView>('endpointQueue');

export interface EndpointQueueView {
  /** null = no delivery is known to wait. */
  nextDueAt: number | null;
  pendingDeliveries: number;
}

/**
 * The result of one execution of the endpoint queue. Instants in milliseconds since 1970, workflow time. No
 * text of receivers.
 */
export interface DeliveryReport {
  state: 'working' | 'disabled' | 'deleted';
  /** null if the endpoint was deleted. */
  tenantId: string | null;
  delivered: number;
  failedAttempts: number;
  nextDueAt: number | null;
  pendingDeliveries: number;
  blockedUntil: number | null;
  /**
   * When the latest attempts failed, without a success between them: the next call detects from them that a
   * receiver is down.
   */
  recentFailures: readonly number[];
}

export interface DeliverDueWebhooksInput {
  endpointId: string;
  /** Workflow time of the call. */
  firedAt: number;
  recentFailures: readonly number[];
}
