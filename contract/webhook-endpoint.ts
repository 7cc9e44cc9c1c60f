/** What sender and lane agree on. Names are permanent: running workflows carry them. */
import { defineQuery, defineSignal } from '@temporalio/workflow';
import { typeIdOf } from '../domain/typeid';

export const WEBHOOK_ENDPOINT_WORKFLOW = 'webhookEndpointWorkflow';

export interface WebhookEndpointInput {
  endpointId: string;
  /** The earliest instant at which something may be due, in milliseconds since 1970. */
  nextDueAt: number;
  /** False where the cluster knows none of our search attributes: an unknown one would jam the workflow. */
  hasSearchAttributes: boolean;
  /** What the last wake before a continuation said of them. */
  recentFailures?: readonly number[];
}

/** One lane per endpoint, under the id that the API shows: `webhook-endpoint:whe_…`. */
export function webhookEndpointWorkflowId({ endpointId }: { endpointId: string }): string {
  return `webhook-endpoint:${typeIdOf('whe', endpointId)}`;
}

/** Something is due at `nextDueAt` (milliseconds since 1970). Repeating it is harmless; later than what is known it changes nothing. */
export const deliveriesDueSignal = defineSignal<[{ nextDueAt: number }]>('deliveriesDue');

/** What the lane waits for, for tests and operators. */
export const webhookEndpointQuery = defineQuery<WebhookEndpointView>('webhookEndpoint');

export interface WebhookEndpointView {
  /** null = nothing is known to wait. */
  nextDueAt: number | null;
  pendingDeliveries: number;
}

/** What one wake of the lane came to. Instants in milliseconds since 1970, workflow time. No words of receivers and no addresses. */
export interface DeliveryReport {
  state: 'working' | 'disabled' | 'deleted';
  /** The endpoint's; null where there is none any more. */
  tenantId: string | null;
  delivered: number;
  failedAttempts: number;
  nextDueAt: number | null;
  pendingDeliveries: number;
  blockedUntil: number | null;
  /** Failures in a row of the last seconds: what the next wake needs to know to see a receiver that is down. */
  recentFailures: readonly number[];
}

export interface DeliverDueWebhooksInput {
  endpointId: string;
  /** Workflow time at which the lane woke. */
  firedAt: number;
  recentFailures: readonly number[];
}
