/**
 * Webhook deliveries with their attempts, and sending one again (rules.md 45), for tenants and for the
 * platform.
 */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { toTypeId } from '../../db/sql/ids';
import {
  type DeliveryWithAttempts,
  findDelivery,
  listDeliveries,
  resendDelivery,
} from '../../db/webhooks/delivery-log';
import { findEndpoint } from '../../db/webhooks/endpoints';
import { HttpError } from '../http/http-error';
import { idParam, instantParam, typeId } from '../routing/common-schemas';
import type { TenantContext } from '../routing/context';
import { defineRoute, type Route } from '../routing/define-route';
import { listParams, readPage, toPage, uuidPosition } from '../routing/pagination';
import { requireEnabled } from './endpoint-lookup';
import { historyOf, keptSince, withOldestKept } from '../routing/kept-history';
import type { RouteServices } from '../dependencies';
import { toPlatformRoute } from './platform-routes';
import {
  attemptToWire,
  deliveryState,
  deliveryToWire,
  deliveryView,
  deliveryWithAttempts,
  eventType,
} from './webhook-schema';

const params = z.strictObject({ delivery_id: idParam('whd', 'delivery_not_found') });
const resent = z
  .object({ delivery_id: typeId('whd').meta({ description: 'The new delivery, with the same event id.' }) })
  .meta({ id: 'ResentDelivery' });
const query = z.strictObject({
  ...listParams,
  endpoint_id: idParam('whe', 'endpoint_not_found').optional(),
  state: deliveryState.optional(),
  event_type: eventType.optional(),
  from: instantParam
    .optional()
    .meta({ description: 'Created at this time or later.', example: '2026-11-21T09:30:00.000Z' }),
  to: instantParam
    .optional()
    .meta({ description: 'Created before this time.', example: '2026-11-22T09:30:00.000Z' }),
});
const tag = 'Webhook deliveries';
const base = '/v1/webhook-deliveries';

const tenantDeliveryRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: base,
    operationId: 'listWebhookDeliveries',
    tag,
    summary: 'List webhook deliveries, newest first',
    query,
    responses: {
      200: { description: 'Deliveries, without their attempts.', schema: historyOf(deliveryView) },
    },
    problems: ['invalid_cursor', 'endpoint_not_found'],
    run: list,
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: `${base}/{delivery_id}`,
    operationId: 'showWebhookDelivery',
    tag,
    summary: 'Show a webhook delivery with all its attempts',
    params,
    responses: { 200: { description: 'The delivery.', schema: deliveryWithAttempts } },
    problems: ['delivery_not_found'],
    async run(work, input, { services }) {
      const { tries, payload, ...delivery } = await requireDelivery(work, services, input.params.delivery_id);
      return { status: 200, body: { ...deliveryToWire(delivery), payload, log: tries.map(attemptToWire) } };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: `${base}/{delivery_id}/resend`,
    operationId: 'resendWebhookDelivery',
    tag,
    summary: 'Send a webhook delivery again',
    description: 'Works in every state. The receiver sees the same `webhook-id`.',
    params,
    responses: { 202: { description: 'The delivery is queued.', schema: resent } },
    problems: ['delivery_not_found', 'endpoint_not_found', 'endpoint_disabled'],
    action: 'webhook_delivery.resent',
    run: resend,
  }),
];

export const webhookDeliveryRoutes: readonly Route[] = [
  ...tenantDeliveryRoutes,
  ...tenantDeliveryRoutes.map(toPlatformRoute),
];

async function list(work: TenantWork, input: { query: z.output<typeof query> }, { services }: TenantContext) {
  const { endpoint_id: endpointId, state, event_type: type, from, to } = input.query;
  if (endpointId !== undefined && (await findEndpoint(work, { endpointId })) === undefined)
    throw new HttpError('endpoint_not_found');
  const filter = [endpointId, state, type, from?.toISOString(), to?.toISOString()];
  const scope = ['webhook-deliveries', work.tenantId, ...filter];
  const { limit, after } = readPage(input.query, scope, uuidPosition);
  const since = keptSince(work, services, 'events');
  const rows = await listDeliveries(work, {
    since,
    endpointId,
    state,
    eventType: type,
    from,
    to,
    limit: limit + 1,
    before: after,
  });
  const page = toPage(rows, limit, scope, ({ webhookDeliveryId }) => webhookDeliveryId, deliveryToWire);
  return { status: 200 as const, body: withOldestKept(page, since) };
}

async function resend(
  work: TenantWork,
  input: { params: z.output<typeof params> },
  { services }: TenantContext,
) {
  const delivery = await requireDelivery(work, services, input.params.delivery_id);
  const endpoint = await findEndpoint(work, { endpointId: delivery.webhookEndpointId });
  if (endpoint === undefined) throw new HttpError('endpoint_not_found');
  requireEnabled(endpoint);
  const deliveryId = toTypeId('whd', await resendDelivery(work, delivery));
  return {
    status: 202 as const,
    body: { delivery_id: deliveryId },
    audit: {
      target: toTypeId('whd', delivery.webhookDeliveryId),
      detail: { delivery_id: deliveryId },
    },
  };
}

async function requireDelivery(
  work: TenantWork,
  services: RouteServices,
  deliveryId: string,
): Promise<DeliveryWithAttempts> {
  const found = await findDelivery(work, { deliveryId, since: keptSince(work, services, 'events') });
  if (found === undefined) throw new HttpError('delivery_not_found');
  return found;
}
