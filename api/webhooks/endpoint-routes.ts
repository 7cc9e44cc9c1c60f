/**
 * Webhook endpoints (rules.md 43 to 45), for tenants and for the platform. `endpoint-action-routes.ts` has
 * test, disable and recover.
 */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { newUuid, toTypeId } from '../../db/sql/ids';
import { PLATFORM_TENANT_ID } from '../../db/tables/tenants';
import {
  changeEndpoint,
  createEndpoint,
  deleteEndpoint,
  type Endpoint,
  findEndpoint,
  listEndpoints,
  lockEndpoint,
  replaceSecrets,
} from '../../db/webhooks/endpoints';
import type { RouteServices } from '../dependencies';
import { HttpError } from '../http/http-error';
import { requireIntegration } from '../integrations/integration-views';
import type { TenantContext } from '../routing/context';
import { defineRoute, type Route } from '../routing/define-route';
import { ETAG, etagOf, requireVersion } from '../routing/etag';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';
import { auditOfEndpoint, endpointIdOf, type EndpointParams, lockExistingEndpoint } from './endpoint-lookup';
import {
  createEndpointSecret,
  requireHeadersForNewHost,
  rotateSecrets,
  sealHeaders,
} from './endpoint-secrets';
import { toPlatformRoute } from './platform-routes';
import {
  endpointChange,
  endpointParams as params,
  endpointToWire,
  endpointView,
  endpointWithSecret,
  newEndpoint,
} from './webhook-schema';

const ENDPOINTS_MAX = 50;

const tag = 'Webhook endpoints';
const base = '/v1/webhook-endpoints';
const path = `${base}/{endpoint_id}`;

const tenantEndpointRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: base,
    operationId: 'createWebhookEndpoint',
    tag,
    summary: 'Create a webhook endpoint',
    description: [
      'Events from now on are posted to this URL and signed with its secret (Standard Webhooks).',
      'The secret is shown only in this response. docs/webhooks.md lists the events and ' +
        'explains how to verify signatures.',
    ].join(' '),
    body: newEndpoint,
    responses: {
      201: { description: 'The new endpoint, with its secret.', schema: endpointWithSecret, headers: ETAG },
    },
    problems: ['egress_refused', 'too_many_endpoints', 'integration_not_found'],
    action: 'webhook_endpoint.created',
    isResponseSecret: true,
    run: create,
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: base,
    operationId: 'listWebhookEndpoints',
    tag,
    summary: 'List webhook endpoints',
    query: z.strictObject(listParams),
    responses: {
      200: {
        description: 'Endpoints in the order in which they were created, without their secrets.',
        schema: listOf(endpointView),
      },
    },
    problems: ['invalid_cursor'],
    async run(work, { query }, { caller }) {
      const scope = ['webhook-endpoints', work.tenantId];
      const { limit, after } = readPage(query, scope, uuidPosition);
      const rows = await listEndpoints(work, { limit: limit + 1, after });
      const toItem = (endpoint: Endpoint) => endpointToWire(endpoint, work.now, caller);
      const body = toPage(rows, limit, scope, ({ webhookEndpointId }) => webhookEndpointId, toItem);
      return { status: 200, body };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path,
    operationId: 'showWebhookEndpoint',
    tag,
    summary: 'Show a webhook endpoint',
    params,
    responses: {
      200: { description: 'The endpoint, without its secret.', schema: endpointView, headers: ETAG },
    },
    problems: ['endpoint_not_found'],
    async run(work, input, { caller }) {
      const found = await findEndpoint(work, endpointIdOf(input));
      if (found === undefined) throw new HttpError('endpoint_not_found');
      return { status: 200, body: endpointToWire(found, work.now, caller), headers: etagOf(found) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'patch',
    path,
    operationId: 'changeWebhookEndpoint',
    tag,
    summary: 'Change a webhook endpoint',
    description:
      'New filters apply to events from now on. A new URL, rate limit or new headers apply to all ' +
      'deliveries that are still pending.',
    params,
    body: endpointChange,
    needsIfMatch: true,
    responses: { 200: { description: 'The changed endpoint.', schema: endpointView, headers: ETAG } },
    problems: ['endpoint_not_found', 'egress_refused', 'integration_not_found', 'endpoint_headers_required'],
    action: 'webhook_endpoint.changed',
    run: change,
  }),

  defineRoute({
    scope: 'tenant',
    method: 'delete',
    path,
    operationId: 'deleteWebhookEndpoint',
    tag,
    summary: 'Delete a webhook endpoint',
    description: 'Pending deliveries are not sent.',
    params,
    responses: { 204: { description: 'The endpoint is deleted.', schema: null } },
    problems: ['endpoint_not_found'],
    action: 'webhook_endpoint.deleted',
    async run(work, input) {
      const found = await lockExistingEndpoint(work, input);
      await deleteEndpoint(work, endpointIdOf(input));
      return { status: 204, audit: auditOfEndpoint(found) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: `${path}/rotate-secret`,
    operationId: 'rotateWebhookSecret',
    tag,
    summary: 'Rotate the secret of a webhook endpoint',
    description: [
      'For 24 hours deliveries are signed with the old secret too, so you can update your ' +
        'receiver without downtime.',
      'At most three secrets can be active at a time.',
    ].join(' '),
    params,
    responses: {
      200: { description: 'The endpoint, with its new secret.', schema: endpointWithSecret, headers: ETAG },
    },
    problems: ['endpoint_not_found', 'too_many_secrets'],
    action: 'webhook_endpoint.secret_rotated',
    isResponseSecret: true,
    run: rotateSecret,
  }),
];

export const webhookEndpointRoutes: readonly Route[] = [
  ...tenantEndpointRoutes,
  ...tenantEndpointRoutes.map(toPlatformRoute),
];

async function create(
  work: TenantWork,
  { body }: { body: z.output<typeof newEndpoint> },
  { services, caller }: TenantContext,
) {
  checkUrl(body.url, services);
  await checkIntegrations(work, body.integration_ids);
  const endpointId = newUuid();
  const { secret, encrypted } = await createEndpointSecret(work, endpointId, services);
  const settings = {
    endpointId,
    encrypted,
    url: body.url,
    description: body.description,
    eventTypes: body.event_types,
    integrationIds: body.integration_ids,
    ratePerSecond: body.rate_per_second,
    ...(await sealHeaders(work, endpointId, body.headers, services)),
  };
  const created = await createEndpoint(work, settings, { endpointsMax: ENDPOINTS_MAX });
  if (created === 'too_many') throw new HttpError('too_many_endpoints');
  return {
    status: 201 as const,
    body: { ...endpointToWire(created, work.now, caller), secret },
    headers: etagOf(created),
    audit: {
      target: toTypeId('whe', endpointId),
      detail: { host: new URL(body.url).host, event_types: body.event_types },
    },
  };
}

async function change(
  work: TenantWork,
  input: { params: EndpointParams; body: z.output<typeof endpointChange>; ifMatch: number | undefined },
  { services, caller }: TenantContext,
) {
  const { body, ifMatch } = input;
  const locked = await lockEndpoint(work, endpointIdOf(input));
  const before = requireVersion(locked, ifMatch, 'endpoint_not_found');
  if (body.url !== undefined) checkUrl(body.url, services);
  requireHeadersForNewHost(before, body);
  await checkIntegrations(work, body.integration_ids);
  const after = await changeEndpoint(work, endpointIdOf(input), {
    ...(body.url === undefined ? {} : { url: body.url }),
    ...(body.description === undefined ? {} : { description: body.description }),
    ...(body.event_types === undefined ? {} : { eventTypes: body.event_types }),
    ...(body.integration_ids === undefined ? {} : { integrationIds: body.integration_ids }),
    ...(body.rate_per_second === undefined ? {} : { ratePerSecond: body.rate_per_second }),
    ...(body.headers === undefined
      ? {}
      : await sealHeaders(work, before.webhookEndpointId, body.headers, services)),
  });
  return {
    status: 200 as const,
    body: endpointToWire(after, work.now, caller),
    headers: etagOf(after),
    audit: {
      target: toTypeId('whe', before.webhookEndpointId),
      detail: { changed: Object.keys(body), ...movedHost(before.url, after.url) },
    },
  };
}

/** Both addresses without path and query, which can contain secrets. */
function movedHost(before: string, after: string): { moved?: { from: string; to: string } } {
  const [from, to] = [new URL(before).origin, new URL(after).origin];
  return from === to ? {} : { moved: { from, to } };
}

async function rotateSecret(
  work: TenantWork,
  input: { params: EndpointParams },
  { services, caller }: TenantContext,
) {
  const found = await lockExistingEndpoint(work, input);
  const { secret, secrets } = await rotateSecrets(work, found, services);
  const after = await replaceSecrets(work, endpointIdOf(input), secrets);
  return {
    status: 200 as const,
    body: { ...endpointToWire(after, work.now, caller), secret },
    headers: etagOf(after),
    audit: auditOfEndpoint(found),
  };
}

function checkUrl(url: string, { whyUrlIsRefused }: Pick<RouteServices, 'whyUrlIsRefused'>): void {
  const message = whyUrlIsRefused(url, URL.canParse(url) ? [new URL(url).hostname] : []);
  if (message === undefined) return;
  throw new HttpError('egress_refused', {
    errors: [{ pointer: '/url', code: 'egress_refused', message }],
  });
}

/** An endpoint of the platform can name integrations of any tenant. */
async function checkIntegrations(work: TenantWork, ids: readonly string[] | null | undefined): Promise<void> {
  if (work.tenantId === PLATFORM_TENANT_ID) return;
  for (const id of ids ?? []) await requireIntegration(work, id);
}
