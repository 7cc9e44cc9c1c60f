/** Webhook endpoints and deliveries on the wire. */
import { z } from 'zod';
import { EVENT_TYPES } from '../../domain/webhooks/event-catalogue';
import type { Endpoint } from '../../db/webhooks/endpoints';
import type { Attempt, Delivery } from '../../db/webhooks/delivery-log';
import { toTypeId } from '../../db/sql/ids';
import {
  idParam,
  instant,
  lineOfText,
  orNull,
  toInstant,
  toInstantOrNull,
  typeId,
} from '../routing/common-schemas';

export const eventType = z
  .enum(EVENT_TYPES)
  .meta({ id: 'EventType', description: 'Each is described under `webhooks`, and in docs/webhooks.md.' });
/** TEST goes to one endpoint when somebody asks for it, whatever the endpoint wants. */
const wantedType = z.enum(EVENT_TYPES.filter((type) => type !== 'TEST'));

const url = z.string().min(1).max(2_000).meta({
  description: 'Where events are posted to: https, a public address.',
  example: 'https://example.com/syncline',
});
const description = lineOfText(200).or(z.literal(''));
const eventTypes = z
  .array(wantedType)
  .min(1)
  .max(EVENT_TYPES.length)
  .nullable()
  .meta({ description: 'null: all, those added later too.' });
const integrationIds = z
  .array(idParam('int', 'integration_not_found'))
  .min(1)
  .max(100)
  .nullable()
  .meta({ description: 'Only what is about these integrations; null: everything.' });
const ratePerSecond = z
  .int()
  .min(1)
  .max(1_000)
  .nullable()
  .meta({ description: 'So many requests a second at most; null: as many as it takes.' });

export const newEndpoint = z.strictObject({
  url,
  description: description.default(''),
  event_types: eventTypes.default(null),
  integration_ids: integrationIds.default(null),
  rate_per_second: ratePerSecond.default(null),
});
export const endpointChange = z.strictObject({
  url: url.optional(),
  description: description.optional(),
  event_types: eventTypes.optional(),
  integration_ids: integrationIds.optional(),
  rate_per_second: ratePerSecond.optional(),
});

export const endpointView = z
  .object({
    id: typeId('whe'),
    url: z.string(),
    description: z.string(),
    event_types: z.array(eventType).nullable(),
    integration_ids: z.array(typeId('int')).nullable(),
    rate_per_second: z.int().nullable(),
    state: z.enum(['enabled', 'disabled']),
    disabled_at: instant.nullable(),
    disabled_reason: z
      .enum(['manual', 'gone', 'failing'])
      .nullable()
      .meta({ description: 'gone: it answered 410. failing: nothing but failures for five days.' }),
    failing_since: instant
      .nullable()
      .meta({ description: 'Nothing but failures since then; any success resets it.' }),
    former_secrets_expire_at: z
      .array(instant)
      .meta({ description: 'Secrets from before a rotation that sign along until then.' }),
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: 'WebhookEndpoint' });
export const endpointWithSecret = endpointView
  .extend({
    secret: z.string().meta({
      description: 'Verifies signatures. It is shown this once.',
      example: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    }),
  })
  .meta({ id: 'WebhookEndpointWithSecret' });

export function endpointToWire(endpoint: Endpoint, now: Date): z.output<typeof endpointView> {
  return {
    id: toTypeId('whe', endpoint.webhookEndpointId),
    url: endpoint.url,
    description: endpoint.description,
    event_types: endpoint.eventTypes,
    integration_ids: endpoint.integrationIds?.map((id) => toTypeId('int', id)) ?? null,
    rate_per_second: endpoint.ratePerSecond,
    state: endpoint.disabledAt === null ? 'enabled' : 'disabled',
    disabled_at: toInstantOrNull(endpoint.disabledAt),
    disabled_reason: endpoint.disabledReason,
    failing_since: toInstantOrNull(endpoint.failingSince),
    former_secrets_expire_at: endpoint.secrets.flatMap(({ expiresAt }) =>
      expiresAt === null || new Date(expiresAt) <= now ? [] : [expiresAt],
    ),
    created_at: toInstant(endpoint.createdAt),
    updated_at: toInstant(endpoint.updatedAt),
  };
}

export const deliveryState = z.enum(['pending', 'retrying', 'delivered', 'failed', 'disabled']).meta({
  id: 'WebhookDeliveryState',
  description:
    'failed: all attempts were in vain. disabled: the endpoint was switched off; it can be recovered.',
});
export const deliveryView = z
  .object({
    id: typeId('whd'),
    endpoint_id: typeId('whe'),
    tenant_id: typeId('ten').meta({ description: 'Whose event it is.' }),
    event_id: typeId('evt').meta({ description: 'The `webhook-id` that the receiver sees.' }),
    event_type: eventType,
    state: deliveryState,
    trigger: z.enum(['event', 'resend', 'recover', 'test']),
    attempts: z.int(),
    next_attempt_at: instant.nullable(),
    last_status: z.int().nullable(),
    last_error: z.string().nullable(),
    created_at: instant,
    finished_at: instant.nullable(),
  })
  .meta({ id: 'WebhookDelivery' });
const headers = z.record(z.string(), z.string());
const attemptView = z
  .object({
    attempt: z.int(),
    at: instant,
    duration_ms: z.int(),
    status: z.int().nullable().meta({ description: 'null: there was no answer; `error` says why.' }),
    error: z.string().nullable(),
    request_headers: headers,
    response_headers: orNull(headers),
    response_body: z.string().nullable().meta({ description: 'Its beginning.' }),
  })
  .meta({ id: 'WebhookAttempt' });
export const deliveryWithAttempts = deliveryView
  .extend({
    payload: z.record(z.string(), z.unknown()).meta({ description: 'What was sent, or is about to be.' }),
    log: z.array(attemptView).meta({ description: 'Each attempt, the first one first.' }),
  })
  .meta({ id: 'WebhookDeliveryWithAttempts' });

export function deliveryToWire(delivery: Delivery): z.output<typeof deliveryView> {
  return {
    id: toTypeId('whd', delivery.webhookDeliveryId),
    endpoint_id: toTypeId('whe', delivery.webhookEndpointId),
    tenant_id: toTypeId('ten', delivery.tenantId),
    event_id: toTypeId('evt', delivery.eventId),
    event_type: delivery.eventType,
    state: delivery.state,
    trigger: delivery.trigger,
    attempts: delivery.attempts,
    next_attempt_at: toInstantOrNull(delivery.nextAttemptAt),
    last_status: delivery.lastStatus,
    last_error: delivery.lastError,
    created_at: toInstant(delivery.createdAt),
    finished_at: toInstantOrNull(delivery.finishedAt),
  };
}

export function attemptToWire(attempt: Attempt): z.output<typeof attemptView> {
  return {
    attempt: attempt.attempt,
    at: toInstant(attempt.at),
    duration_ms: attempt.durationMs,
    status: attempt.status,
    error: attempt.error,
    request_headers: attempt.requestHeaders,
    response_headers: attempt.responseHeaders,
    response_body: attempt.responseBody,
  };
}
