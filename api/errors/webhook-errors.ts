/** Errors about webhook endpoints and deliveries. */
import type { ErrorEntries } from './error-entry';

export const WEBHOOK_ERRORS = {
  endpoint_not_found: {
    status: 404,
    title: 'Webhook endpoint not found',
    detail:
      'Check the id. GET /v1/webhook-endpoints lists the endpoints of the tenant, GET ' +
      '/v1/platform/webhook-endpoints those of the platform.',
  },
  endpoint_disabled: {
    status: 409,
    title: 'The webhook endpoint is disabled',
    detail: 'Enable the endpoint first. `recover_since` also sends the events that it missed.',
  },
  too_many_endpoints: {
    status: 422,
    title: 'Too many webhook endpoints',
    detail: 'A tenant can have at most 50 endpoints, and so can the platform. Delete one first.',
  },
  too_many_secrets: {
    status: 409,
    title: 'Too many active signing secrets',
    detail:
      'At most three secrets can be active. Wait until an old one expires; ' +
      '`former_secrets_expire_at` of the endpoint shows when.',
  },
  endpoint_headers_required: {
    status: 422,
    title: 'The headers belong to another host',
    detail:
      'The endpoint has headers, and the new URL has another scheme, host or port. Send `headers` with the ' +
      'URL: their values for the new receiver, or null.',
  },
  delivery_not_found: {
    status: 404,
    title: 'Webhook delivery not found',
    detail: 'Check the id. GET /v1/webhook-deliveries lists deliveries, from its `oldest_kept_at` on.',
  },
  recover_too_far: {
    status: 422,
    title: 'The time is too long ago',
    detail:
      'Deliveries can be recovered for 14 days. GET /v1/events has the events since its `oldest_kept_at`.',
  },
} as const satisfies ErrorEntries;
