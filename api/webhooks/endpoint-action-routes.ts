/** Actions on a webhook endpoint: send a test, disable, enable, recover missed events (rules.md 45). */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { toTypeId } from '../../db/sql/ids';
import { recoverDeliveries } from '../../db/webhooks/delivery-log';
import { switchEndpointOff, switchEndpointOn } from '../../db/webhooks/endpoints';
import { emitTest } from '../../db/webhooks/events';
import { HttpError } from '../http/http-error';
import { instantParam, typeId } from '../routing/common-schemas';
import type { TenantContext } from '../routing/context';
import { defineRoute, type Route } from '../routing/define-route';
import { ETAG, etagOf } from '../routing/etag';
import {
  auditOfEndpoint,
  endpointIdOf,
  type EndpointParams,
  lockExistingEndpoint,
  requireEnabled,
} from './endpoint-lookup';
import { toPlatformRoute } from './platform-routes';
import { endpointParams as params, endpointToWire, endpointView } from './webhook-schema';

const RECOVER_MAX_MS = 14 * 86_400_000;

const tag = 'Webhook endpoints';
const path = '/v1/webhook-endpoints/{endpoint_id}';
const recoveredFields = {
  recovered: z.int().meta({ description: 'The number of deliveries sent again, at most 10000.' }),
  has_more: z
    .boolean()
    .meta({ description: 'More may have been missed: recover since the same time again.' }),
};
const recovered = z.object(recoveredFields).meta({ id: 'RecoveredDeliveries' });
const enabled = endpointView.extend(recoveredFields).meta({ id: 'EnabledWebhookEndpoint' });
const sent = z.object({ delivery_id: typeId('whd') }).meta({ id: 'SentDelivery' });
const since = instantParam.meta({ description: 'At most 14 days ago.', example: '2026-11-21T09:30:00.000Z' });
const enableBody = z.strictObject({ recover_since: since.optional() });
const recoverBody = z.strictObject({ since });

const tenantActionRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: `${path}/test`,
    operationId: 'testWebhookEndpoint',
    tag,
    summary: 'Send a test event to a webhook endpoint',
    description:
      'The event is sent to this endpoint only, independent of its filters. The delivery shows the result.',
    params,
    responses: { 202: { description: 'The test event is queued.', schema: sent } },
    problems: ['endpoint_not_found', 'endpoint_disabled'],
    action: 'webhook_endpoint.tested',
    run: sendTest,
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: `${path}/disable`,
    operationId: 'disableWebhookEndpoint',
    tag,
    summary: 'Disable a webhook endpoint',
    description: [
      'Nothing is sent until the endpoint is enabled again. Events are kept in the meantime ' +
        'and can be recovered.',
      'Disabling a disabled endpoint changes nothing.',
    ].join(' '),
    params,
    responses: { 200: { description: 'The disabled endpoint.', schema: endpointView, headers: ETAG } },
    problems: ['endpoint_not_found'],
    action: 'webhook_endpoint.disabled',
    async run(work, input, { caller }) {
      const found = await lockExistingEndpoint(work, input);
      const after = found.disabledAt === null ? await switchEndpointOff(work, endpointIdOf(input)) : found;
      const body = endpointToWire(after, work.now, caller);
      return { status: 200, body, headers: etagOf(after), audit: auditOfEndpoint(found) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: `${path}/enable`,
    operationId: 'enableWebhookEndpoint',
    tag,
    summary: 'Enable a webhook endpoint',
    description:
      'With `recover_since`, missed events since that time are sent too. The record of earlier ' +
      'failures is reset.',
    params,
    body: enableBody,
    responses: {
      200: {
        description: 'The enabled endpoint, and the number of deliveries that are sent again.',
        schema: enabled,
        headers: ETAG,
      },
    },
    problems: ['endpoint_not_found', 'recover_too_far'],
    action: 'webhook_endpoint.enabled',
    run: enable,
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: `${path}/recover`,
    operationId: 'recoverWebhookDeliveries',
    tag,
    summary: 'Send missed events to a webhook endpoint again',
    description: [
      'Sends all events since the given time that were neither delivered nor are pending.',
      'Events keep their ids, so receivers can recognize events they have already processed.',
    ].join(' '),
    params,
    body: recoverBody,
    responses: { 202: { description: 'The number of deliveries that are sent again.', schema: recovered } },
    problems: ['endpoint_not_found', 'endpoint_disabled', 'recover_too_far'],
    action: 'webhook_endpoint.recovered',
    run: recover,
  }),
];

export const webhookEndpointActionRoutes: readonly Route[] = [
  ...tenantActionRoutes,
  ...tenantActionRoutes.map(toPlatformRoute),
];

async function sendTest(work: TenantWork, input: { params: EndpointParams }) {
  const found = requireEnabled(await lockExistingEndpoint(work, input));
  const message = 'This is a test event. Your endpoint can be reached.';
  const deliveryId = await emitTest(work, { ...endpointIdOf(input), message });
  return {
    status: 202 as const,
    body: { delivery_id: toTypeId('whd', deliveryId) },
    audit: auditOfEndpoint(found),
  };
}

async function enable(
  work: TenantWork,
  input: { params: EndpointParams; body: z.output<typeof enableBody> },
  { caller }: TenantContext,
) {
  const found = await lockExistingEndpoint(work, input);
  const after = found.disabledAt === null ? found : await switchEndpointOn(work, endpointIdOf(input));
  const from = input.body.recover_since;
  const result = from === undefined ? NOTHING : await recoverSince(work, input, from);
  return {
    status: 200 as const,
    body: { ...endpointToWire(after, work.now, caller), ...result },
    headers: etagOf(after),
    audit: { target: toTypeId('whe', found.webhookEndpointId), detail: { recovered: result.recovered } },
  };
}

async function recover(
  work: TenantWork,
  input: { params: EndpointParams; body: z.output<typeof recoverBody> },
) {
  const found = requireEnabled(await lockExistingEndpoint(work, input));
  const result = await recoverSince(work, input, input.body.since);
  return {
    status: 202 as const,
    body: result,
    audit: { target: toTypeId('whe', found.webhookEndpointId), detail: { recovered: result.recovered } },
  };
}

const NOTHING = { recovered: 0, has_more: false };

/** Throws `recover_too_far`. */
async function recoverSince(
  work: TenantWork,
  input: { params: EndpointParams },
  from: Date,
): Promise<typeof NOTHING> {
  if (from.getTime() < work.now.getTime() - RECOVER_MAX_MS) throw new HttpError('recover_too_far');
  const { recovered: count, hasMore } = await recoverDeliveries(work, {
    ...endpointIdOf(input),
    since: from,
  });
  return { recovered: count, has_more: hasMore };
}
