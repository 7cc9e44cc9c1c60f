/** The JSON of webhook endpoints and deliveries. */
import { z } from 'zod';
import { EVENT_TYPES } from '../../domain/event-catalogue';
import {
  RECEIVER_HEADER_NAME,
  RECEIVER_HEADER_VALUE,
  RECEIVER_HEADER_VALUE_MAX,
  RECEIVER_HEADERS_MAX,
  whyHeaderIsRefused,
} from '../../domain/webhooks/receiver-headers';
import type { Endpoint } from '../../db/webhooks/endpoints';
import type { Attempt, Delivery } from '../../db/webhooks/delivery-log';
import { toTypeId } from '../../db/sql/ids';
import type { Caller } from '../routing/caller';
import {
  idParam,
  instant,
  lineOfText,
  orNull,
  toInstant,
  toInstantOrNull,
  typeId,
} from '../routing/common-schemas';

export const eventType = z.enum(EVENT_TYPES).meta({
  id: 'EventType',
  description: 'The events are described under `webhooks` and in docs/webhooks.md.',
});
/** TEST is sent on request, independent of the filter of an endpoint. */
const filterType = z.enum(EVENT_TYPES.filter((type) => type !== 'TEST'));

export const endpointParams = z.strictObject({ endpoint_id: idParam('whe', 'endpoint_not_found') });

const url = z.string().min(1).max(2_000).meta({
  description: 'The URL to which events are posted: https, with a public address.',
  example: 'https://example.com/syncline',
});
const description = lineOfText(200).or(z.literal(''));
const eventTypes = z
  .array(filterType)
  .min(1)
  .max(EVENT_TYPES.length)
  .nullable()
  .meta({ description: 'null = all event types, including future ones.' });
const integrationIds = z
  .array(idParam('int', 'integration_not_found'))
  .min(1)
  .max(100)
  .nullable()
  .meta({ description: 'Only events about these integrations; null = all events.' });
const ratePerSecond = z
  .int()
  .min(1)
  .max(1_000)
  .nullable()
  .meta({ description: 'The maximum number of requests per second; null = no limit.' });

/** By lower-case name: names that differ only in case are the same header. */
const ownHeaders = z
  .record(
    z.string(),
    z.string().meta({ pattern: RECEIVER_HEADER_VALUE.source, maxLength: RECEIVER_HEADER_VALUE_MAX }),
  )
  .nullable()
  .transform((headers, context) => {
    if (headers === null) return null;
    const entries = Object.entries(headers);
    const refuse = (message: string, path: string[] = []) =>
      context.addIssue({ code: 'custom', path, message });
    if (entries.length > RECEIVER_HEADERS_MAX) refuse(`has more than ${RECEIVER_HEADERS_MAX} headers`);
    for (const [name, value] of entries) {
      const reason = whyHeaderIsRefused(name, value);
      if (reason !== undefined) refuse(reason, [name]);
    }
    const lowerCase = Object.fromEntries(entries.map(([name, value]) => [name.toLowerCase(), value]));
    if (Object.keys(lowerCase).length < entries.length) refuse('names a header twice');
    return lowerCase;
  })
  .meta({
    propertyNames: { pattern: RECEIVER_HEADER_NAME.source },
    maxProperties: RECEIVER_HEADERS_MAX,
    description:
      'Headers for the receiver, by name, such as `Authorization` for HTTP basic. They replace all earlier ' +
      'ones; null = none. Values are stored encrypted and never shown. Headers of the connection, of the ' +
      'body, and `webhook-*` are refused.',
    example: { Authorization: 'Basic c3luY2xpbmU6c2VjcmV0' },
  });

export const newEndpoint = z.strictObject({
  url,
  description: description.default(''),
  event_types: eventTypes.default(null),
  integration_ids: integrationIds.default(null),
  rate_per_second: ratePerSecond.default(null),
  headers: ownHeaders.default(null),
});
export const endpointChange = z.strictObject({
  url: url.optional(),
  description: description.optional(),
  event_types: eventTypes.optional(),
  integration_ids: integrationIds.optional(),
  rate_per_second: ratePerSecond.optional(),
  headers: ownHeaders.optional(),
});

export const endpointView = z
  .object({
    id: typeId('whe'),
    url: z.string().meta({
      description: 'Viewers see the host only, because path and query can contain secrets of the receiver.',
    }),
    description: z.string(),
    event_types: z.array(eventType).nullable(),
    integration_ids: z.array(typeId('int')).nullable(),
    rate_per_second: z.int().nullable(),
    header_names: z
      .array(z.string())
      .meta({ description: 'The headers for the receiver, in lower case, without their values.' }),
    state: z.enum(['enabled', 'disabled']),
    disabled_at: instant.nullable(),
    disabled_reason: z
      .enum(['manual', 'gone', 'failing'])
      .nullable()
      .meta({
        description:
          '`gone`: the receiver answered 410. `failing`: all attempts failed for five days. ' +
          '`manual`: a user disabled it.',
      }),
    failing_since: instant
      .nullable()
      .meta({ description: 'All attempts since this time have failed; a success resets it.' }),
    former_secrets_expire_at: z
      .array(instant)
      .meta({ description: 'When the old secrets expire. Until then deliveries are signed with them too.' }),
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: 'WebhookEndpoint' });
export const endpointWithSecret = endpointView
  .extend({
    secret: z.string().meta({
      description: 'The secret to verify signatures with. It is shown only once.',
      example: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    }),
  })
  .meta({ id: 'WebhookEndpointWithSecret' });

export function endpointToWire(endpoint: Endpoint, now: Date, caller: Caller): z.output<typeof endpointView> {
  const isViewer = caller.kind === 'tenant' && caller.role === 'viewer';
  return {
    id: toTypeId('whe', endpoint.webhookEndpointId),
    url: isViewer ? `${new URL(endpoint.url).origin}/…` : endpoint.url,
    description: endpoint.description,
    event_types: endpoint.eventTypes,
    integration_ids: endpoint.integrationIds?.map((id) => toTypeId('int', id)) ?? null,
    rate_per_second: endpoint.ratePerSecond,
    header_names: endpoint.headerNames,
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
    '`failed`: all attempts failed. `disabled`: the endpoint was disabled; the delivery can be recovered.',
});
export const deliveryView = z
  .object({
    id: typeId('whd'),
    endpoint_id: typeId('whe'),
    tenant_id: typeId('ten').meta({ description: 'The tenant to which the event belongs.' }),
    event_id: typeId('evt').meta({ description: 'The event id, which the receiver gets as `webhook-id`.' }),
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
    status: z.int().nullable().meta({ description: 'null = there was no response; `error` tells why.' }),
    error: z.string().nullable(),
    request_headers: headers,
    response_headers: orNull(headers),
    response_body: z.string().nullable().meta({ description: 'The beginning of the body.' }),
  })
  .meta({ id: 'WebhookAttempt' });
export const deliveryWithAttempts = deliveryView
  .extend({
    payload: z.record(z.string(), z.unknown()).meta({ description: 'The body that was or will be sent.' }),
    log: z.array(attemptView).meta({ description: 'All attempts, oldest first.' }),
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
