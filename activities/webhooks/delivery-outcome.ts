/**
 * What follows from one attempt to deliver an event: delivered, retried at a time, failed, or the endpoint is
 * gone.
 */
import { retryAfterIn } from '../../domain/rate-limit/retry-after';
import type { ClaimedDelivery } from '../../db/webhooks/claim-deliveries';
import type { FinishedDelivery } from '../../db/webhooks/finished-delivery';
import { nextDelayMs } from '../../domain/webhooks/retry-schedule';
import type { WebhookAnswer } from '../../egress/webhook-sender';

/** The status with which a receiver disables its endpoint. */
export const GONE = 410;

export interface DeliveryAttempt {
  delivery: ClaimedDelivery;
  at: Date;
  answer: WebhookAnswer;
}

/** The answer recorded if the event of a delivery was deleted before the attempt. */
export const EVENT_DELETED: WebhookAnswer = {
  status: null,
  error: 'The event is no longer kept.',
  isTimeout: false,
  isAborted: false,
  durationMs: 0,
  requestHeaders: {},
  responseHeaders: null,
  responseBody: null,
};

export function finishDelivery({ delivery, at, answer }: DeliveryAttempt, now: Date): FinishedDelivery {
  return { delivery, attempt: { at, ...answer }, outcome: outcomeOf(delivery, answer, now) };
}

function outcomeOf(delivery: ClaimedDelivery, answer: WebhookAnswer, now: Date): FinishedDelivery['outcome'] {
  if (answer.error === null) return { kind: 'delivered' };
  if (answer.status === GONE) return { kind: 'disabled' };
  if (delivery.body === null) return { kind: 'failed' };
  const retryAfterMs = retryAfterIn(answer.responseHeaders ?? {}, now.getTime());
  const delayMs = nextDelayMs({
    attempts: delivery.attempts + 1,
    elapsedMs: now.getTime() - delivery.createdAt.getTime(),
    failure: { status: answer.status, isTimeout: answer.isTimeout, retryAfterMs },
    random: Math.random(),
  });
  return delayMs === null
    ? { kind: 'failed' }
    : { kind: 'retrying', nextAttemptAt: new Date(now.getTime() + delayMs) };
}
