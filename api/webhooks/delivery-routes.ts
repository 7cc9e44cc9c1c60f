/** What went out to webhook endpoints, attempt by attempt, and sending one again (rules.md 45). The same routes for tenants and for the platform. */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import {
  type DeliveryWithAttempts,
  findDelivery,
  listDeliveries,
  resendDelivery,
} from '../../db/webhooks/delivery-log';
import { findEndpoint } from '../../db/webhooks/endpoints';
import { toTypeId } from '../../db/sql/ids';
import { HttpError } from '../http/http-error';
import { platformOwnRoute, type Route, tenantRoute } from '../routing/define-route';
import { idParam, instantParam, typeId } from '../routing/common-schemas';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';
import {
  attemptToWire,
  deliveryState,
  deliveryToWire,
  deliveryView,
  deliveryWithAttempts,
  eventType,
} from './webhook-schema';
import { requireEnabled } from './endpoint-routes';

const params = z.strictObject({ delivery_id: idParam('whd', 'delivery_not_found') });
const resent = z
  .object({ delivery_id: typeId('whd').meta({ description: 'The new delivery, under the same event id.' }) })
  .meta({ id: 'ResentDelivery' });
const query = z.strictObject({
  ...listParams,
  endpoint_id: idParam('whe', 'endpoint_not_found').optional(),
  state: deliveryState.optional(),
  event_type: eventType.optional(),
  from: instantParam
    .optional()
    .meta({ description: 'Made at this time or later.', example: '2026-11-21T09:30:00.000Z' }),
  to: instantParam
    .optional()
    .meta({ description: 'Made before this time.', example: '2026-11-22T09:30:00.000Z' }),
});

const OWNERS = [
  { base: '/v1/webhook-deliveries', route: tenantRoute, of: '', whose: "the tenant's webhook endpoints" },
  {
    base: '/v1/platform/webhook-deliveries',
    route: platformOwnRoute,
    of: 'OfPlatform',
    whose: "the platform's webhook endpoints",
  },
] as const;

export const webhookDeliveryRoutes: readonly Route[] = OWNERS.flatMap(({ base, route, of, whose }) => [
  route({
    method: 'get',
    path: base,
    operationId: `listWebhookDeliveries${of}`,
    tag: 'Webhook deliveries',
    summary: `List deliveries to ${whose}, newest first`,
    query,
    answers: { 200: { description: 'Deliveries, without their attempts.', schema: listOf(deliveryView) } },
    problems: ['invalid_cursor', 'endpoint_not_found'],
    async run(work, input) {
      const { endpoint_id: endpointId, state, event_type: type, from, to } = input.query;
      if (endpointId !== undefined && (await findEndpoint(work, { endpointId })) === undefined)
        throw new HttpError('endpoint_not_found');
      const scope = [
        'webhook-deliveries',
        work.tenantId,
        endpointId,
        state,
        type,
        from?.toISOString(),
        to?.toISOString(),
      ];
      const { limit, after } = readPage(input.query, scope, uuidPosition);
      const rows = await listDeliveries(work, {
        endpointId,
        state,
        eventType: type,
        from,
        to,
        limit: limit + 1,
        before: after,
      });
      return {
        status: 200,
        body: toPage(rows, limit, scope, ({ webhookDeliveryId }) => webhookDeliveryId, deliveryToWire),
      };
    },
  }),

  route({
    method: 'get',
    path: `${base}/{delivery_id}`,
    operationId: `showWebhookDelivery${of}`,
    tag: 'Webhook deliveries',
    summary: `Show a delivery to ${whose} with each of its attempts`,
    params,
    answers: { 200: { description: 'The delivery.', schema: deliveryWithAttempts } },
    problems: ['delivery_not_found'],
    async run(work, input) {
      const { tries, payload, ...delivery } = await requireDelivery(work, input.params.delivery_id);
      return { status: 200, body: { ...deliveryToWire(delivery), payload, log: tries.map(attemptToWire) } };
    },
  }),

  route({
    method: 'post',
    path: `${base}/{delivery_id}/resend`,
    operationId: `resendWebhookDelivery${of}`,
    tag: 'Webhook deliveries',
    summary: `Send a delivery to ${whose} again`,
    description: 'Whatever became of it. The receiver sees the same `webhook-id`.',
    params,
    answers: { 202: { description: 'It is on its way.', schema: resent } },
    problems: ['delivery_not_found', 'endpoint_not_found', 'endpoint_disabled'],
    action: 'webhook_delivery.resent',
    async run(work, input) {
      const delivery = await requireDelivery(work, input.params.delivery_id);
      const endpoint = await findEndpoint(work, { endpointId: delivery.webhookEndpointId });
      if (endpoint === undefined) throw new HttpError('endpoint_not_found');
      requireEnabled(endpoint);
      const deliveryId = toTypeId('whd', await resendDelivery(work, delivery));
      const audit = {
        target: toTypeId('whd', delivery.webhookDeliveryId),
        detail: { delivery_id: deliveryId },
      };
      return { status: 202, body: { delivery_id: deliveryId }, audit };
    },
  }),
]);

async function requireDelivery(work: TenantWork, deliveryId: string): Promise<DeliveryWithAttempts> {
  const found = await findDelivery(work, { deliveryId });
  if (found === undefined) throw new HttpError('delivery_not_found');
  return found;
}
