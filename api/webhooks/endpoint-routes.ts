/**
 * Webhook endpoints (rules.md 43 to 45): of a tenant, and, with the platform key, of the platform, which are told of all tenants. The
 * same routes twice; a secret is shown when it is made and never again.
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import { emitTest } from '../../db/webhooks/events';
import { recoverDeliveries } from '../../db/webhooks/delivery-log';
import {
  changeEndpoint,
  createEndpoint,
  deleteEndpoint,
  type Endpoint,
  endpointSecretsLocation,
  findEndpoint,
  listEndpoints,
  lockEndpoint,
  replaceSecrets,
  switchEndpointOff,
  switchEndpointOn,
} from '../../db/webhooks/endpoints';
import { newUuid, toTypeId } from '../../db/sql/ids';
import { PLATFORM_TENANT_ID } from '../../db/tables/tenants';
import type { ApiDependencies } from '../dependencies';
import { HttpError } from '../http/http-error';
import { platformOwnRoute, type Route, tenantRoute } from '../routing/define-route';
import { idParam, instantParam, typeId } from '../routing/common-schemas';
import { etagOf, requireVersion } from '../routing/etag';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../routing/pagination';
import {
  endpointChange,
  endpointToWire,
  endpointView,
  endpointWithSecret,
  newEndpoint,
} from './webhook-schema';
import { ETAG, requireIntegration } from '../integrations/integration-routes';

const ENDPOINTS_MAX = 50;
const SECRETS_MAX = 3;
const SECRET_BYTES = 32;
const OVERLAP_MS = 24 * 3_600_000;
const RECOVER_MAX_MS = 14 * 86_400_000;

const params = z.strictObject({ endpoint_id: idParam('whe', 'endpoint_not_found') });
const recovered = z
  .object({
    recovered: z.int().meta({ description: 'Deliveries that are sent again; ask again when it is 10000.' }),
  })
  .meta({ id: 'RecoveredDeliveries' });
const enabled = endpointView.extend({ recovered: z.int() }).meta({ id: 'EnabledWebhookEndpoint' });
const sent = z.object({ delivery_id: typeId('whd') }).meta({ id: 'SentDelivery' });
const since = instantParam.meta({ description: 'At most 14 days ago.', example: '2026-11-21T09:30:00.000Z' });

const OWNERS = [
  { base: '/v1/webhook-endpoints', route: tenantRoute, of: '', whose: 'of the tenant' },
  {
    base: '/v1/platform/webhook-endpoints',
    route: platformOwnRoute,
    of: 'OfPlatform',
    whose: 'of the platform, told of all tenants',
  },
] as const;

type Needed = Pick<ApiDependencies, 'encryption' | 'whyUrlIsRefused'>;

export function webhookEndpointRoutes(dependencies: Needed): readonly Route[] {
  return OWNERS.flatMap((owner) => routesOf(owner, dependencies));
}

function routesOf(
  { base, route, of, whose }: (typeof OWNERS)[number],
  { encryption, whyUrlIsRefused }: Needed,
): Route[] {
  const tag = 'Webhook endpoints';
  const one = `${base}/{endpoint_id}`;

  function checkUrl(url: string): void {
    const message = whyUrlIsRefused(url, URL.canParse(url) ? [new URL(url).hostname] : []);
    if (message !== undefined)
      throw new HttpError('egress_refused', {
        errors: [{ pointer: '/url', code: 'egress_refused', message }],
      });
  }

  async function checkIntegrations(
    work: TenantWork,
    ids: readonly string[] | null | undefined,
  ): Promise<void> {
    // The platform's may name integrations of any tenant.
    if (work.tenantId !== PLATFORM_TENANT_ID) for (const id of ids ?? []) await requireIntegration(work, id);
  }

  async function makeSecret(
    work: TenantWork,
    endpointId: string,
  ): Promise<{ secret: string; encrypted: string }> {
    const secret = `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
    return {
      secret,
      encrypted: await encryption.encrypt(work, endpointSecretsLocation({ endpointId }), secret),
    };
  }

  return [
    route({
      method: 'post',
      path: base,
      operationId: `createWebhookEndpoint${of}`,
      tag,
      summary: `Create a webhook endpoint ${whose}`,
      description:
        'What happens from now on is posted there, signed with the secret (Standard Webhooks). docs/webhooks.md lists the events and shows how to verify them.',
      body: newEndpoint,
      answers: {
        201: { description: 'The new endpoint, with its secret.', schema: endpointWithSecret, headers: ETAG },
      },
      problems: ['egress_refused', 'too_many_endpoints', 'integration_not_found'],
      action: 'webhook_endpoint.created',
      isAnswerSecret: true,
      async run(work, { body }) {
        checkUrl(body.url);
        await checkIntegrations(work, body.integration_ids);
        const endpointId = newUuid();
        const { secret, encrypted } = await makeSecret(work, endpointId);
        const settings = {
          url: body.url,
          description: body.description,
          eventTypes: body.event_types,
          integrationIds: body.integration_ids,
        };
        const made = await createEndpoint(
          work,
          { endpointId, encrypted, ...settings, ratePerSecond: body.rate_per_second },
          { endpointsMax: ENDPOINTS_MAX },
        );
        if (made === 'too_many') throw new HttpError('too_many_endpoints');
        const audit = {
          target: toTypeId('whe', endpointId),
          detail: { host: new URL(body.url).host, event_types: body.event_types },
        };
        return {
          status: 201,
          body: { ...endpointToWire(made, work.now), secret },
          headers: etagOf(made),
          audit,
        };
      },
    }),

    route({
      method: 'get',
      path: base,
      operationId: `listWebhookEndpoints${of}`,
      tag,
      summary: `List the webhook endpoints ${whose}`,
      query: z.strictObject(listParams),
      answers: {
        200: {
          description: 'Endpoints in the order they were made, without their secrets.',
          schema: listOf(endpointView),
        },
      },
      problems: ['invalid_cursor'],
      async run(work, { query }) {
        const scope = ['webhook-endpoints', work.tenantId];
        const { limit, after } = readPage(query, scope, uuidPosition);
        const rows = await listEndpoints(work, { limit: limit + 1, after });
        const toItem = (endpoint: Endpoint) => endpointToWire(endpoint, work.now);
        return {
          status: 200,
          body: toPage(rows, limit, scope, ({ webhookEndpointId }) => webhookEndpointId, toItem),
        };
      },
    }),

    route({
      method: 'get',
      path: one,
      operationId: `showWebhookEndpoint${of}`,
      tag,
      summary: `Show a webhook endpoint ${whose}`,
      params,
      answers: {
        200: { description: 'The endpoint, without its secret.', schema: endpointView, headers: ETAG },
      },
      problems: ['endpoint_not_found'],
      async run(work, input) {
        const found = await findEndpoint(work, { endpointId: input.params.endpoint_id });
        if (found === undefined) throw new HttpError('endpoint_not_found');
        return { status: 200, body: endpointToWire(found, work.now), headers: etagOf(found) };
      },
    }),

    route({
      method: 'patch',
      path: one,
      operationId: `changeWebhookEndpoint${of}`,
      tag,
      summary: `Change a webhook endpoint ${whose}`,
      description:
        'Filters count for what happens from now on; the address and the rate for all that is still to be sent.',
      params,
      body: endpointChange,
      needsIfMatch: true,
      answers: { 200: { description: 'The endpoint as it is now.', schema: endpointView, headers: ETAG } },
      problems: ['endpoint_not_found', 'egress_refused', 'integration_not_found'],
      action: 'webhook_endpoint.changed',
      async run(work, input) {
        const { body } = input;
        const before = requireVersion(
          await lockEndpoint(work, idOf(input)),
          input.ifMatch,
          'endpoint_not_found',
        );
        if (body.url !== undefined) checkUrl(body.url);
        await checkIntegrations(work, body.integration_ids);
        const after = await changeEndpoint(work, idOf(input), {
          ...(body.url === undefined ? {} : { url: body.url }),
          ...(body.description === undefined ? {} : { description: body.description }),
          ...(body.event_types === undefined ? {} : { eventTypes: body.event_types }),
          ...(body.integration_ids === undefined ? {} : { integrationIds: body.integration_ids }),
          ...(body.rate_per_second === undefined ? {} : { ratePerSecond: body.rate_per_second }),
        });
        const audit = {
          target: toTypeId('whe', before.webhookEndpointId),
          detail: { changed: Object.keys(body) },
        };
        return { status: 200, body: endpointToWire(after, work.now), headers: etagOf(after), audit };
      },
    }),

    route({
      method: 'delete',
      path: one,
      operationId: `deleteWebhookEndpoint${of}`,
      tag,
      summary: `Delete a webhook endpoint ${whose}`,
      description: 'What waits for it is not sent any more.',
      params,
      answers: { 204: { description: 'The endpoint is gone.', schema: null } },
      problems: ['endpoint_not_found'],
      action: 'webhook_endpoint.deleted',
      async run(work, input) {
        const found = await requireLocked(work, idOf(input));
        await deleteEndpoint(work, idOf(input));
        return { status: 204, audit: auditOf(found) };
      },
    }),

    route({
      method: 'post',
      path: `${one}/rotate-secret`,
      operationId: `rotateWebhookSecret${of}`,
      tag,
      summary: `Give a webhook endpoint ${whose} a new secret`,
      description:
        'For 24 hours deliveries carry a signature of the former one too, so that receivers can be changed in peace. At most three are good at a time.',
      params,
      answers: {
        200: { description: 'The endpoint, with its new secret.', schema: endpointWithSecret, headers: ETAG },
      },
      problems: ['endpoint_not_found', 'too_many_secrets'],
      action: 'webhook_endpoint.secret_rotated',
      isAnswerSecret: true,
      async run(work, input) {
        const found = await requireLocked(work, idOf(input));
        const live = found.secrets.filter(
          ({ expiresAt }) => expiresAt === null || new Date(expiresAt) > work.now,
        );
        if (live.length >= SECRETS_MAX) throw new HttpError('too_many_secrets');
        const { secret, encrypted } = await makeSecret(work, found.webhookEndpointId);
        const until = new Date(work.now.getTime() + OVERLAP_MS).toISOString();
        const former = live.map((earlier) => ({ ...earlier, expiresAt: earlier.expiresAt ?? until }));
        const after = await replaceSecrets(work, idOf(input), [{ encrypted, expiresAt: null }, ...former]);
        return {
          status: 200,
          body: { ...endpointToWire(after, work.now), secret },
          headers: etagOf(after),
          audit: auditOf(found),
        };
      },
    }),

    route({
      method: 'post',
      path: `${one}/test`,
      operationId: `testWebhookEndpoint${of}`,
      tag,
      summary: `Send a test event to a webhook endpoint ${whose}`,
      description: 'To this endpoint alone, whatever its filters. The delivery says what came of it.',
      params,
      answers: { 202: { description: 'It is on its way.', schema: sent } },
      problems: ['endpoint_not_found', 'endpoint_disabled'],
      action: 'webhook_endpoint.tested',
      async run(work, input) {
        const found = requireEnabled(await requireLocked(work, idOf(input)));
        const deliveryId = await emitTest(work, {
          ...idOf(input),
          message: 'This is a test: the endpoint can be reached.',
        });
        return { status: 202, body: { delivery_id: toTypeId('whd', deliveryId) }, audit: auditOf(found) };
      },
    }),

    route({
      method: 'post',
      path: `${one}/disable`,
      operationId: `disableWebhookEndpoint${of}`,
      tag,
      summary: `Switch off a webhook endpoint ${whose}`,
      description:
        'Nothing is sent there until it is enabled again; what happens meanwhile is kept and can be recovered. Disabling it twice is disabling it once.',
      params,
      answers: { 200: { description: 'The endpoint as it is now.', schema: endpointView, headers: ETAG } },
      problems: ['endpoint_not_found'],
      action: 'webhook_endpoint.disabled',
      async run(work, input) {
        const found = await requireLocked(work, idOf(input));
        const after = found.disabledAt === null ? await switchEndpointOff(work, idOf(input)) : found;
        return {
          status: 200,
          body: endpointToWire(after, work.now),
          headers: etagOf(after),
          audit: auditOf(found),
        };
      },
    }),

    route({
      method: 'post',
      path: `${one}/enable`,
      operationId: `enableWebhookEndpoint${of}`,
      tag,
      summary: `Switch on a webhook endpoint ${whose}`,
      description:
        'With `recover_since` what it missed since then is sent too. Its failures so far are forgotten.',
      params,
      body: z.strictObject({ recover_since: since.optional() }),
      answers: {
        200: {
          description: 'The endpoint as it is now, and how many deliveries are sent again.',
          schema: enabled,
          headers: ETAG,
        },
      },
      problems: ['endpoint_not_found', 'recover_too_far'],
      action: 'webhook_endpoint.enabled',
      async run(work, input) {
        const found = await requireLocked(work, idOf(input));
        const after = found.disabledAt === null ? found : await switchEndpointOn(work, idOf(input));
        const from = input.body.recover_since;
        const count =
          from === undefined
            ? 0
            : await recoverDeliveries(work, { ...idOf(input), since: checkSince(work, from) });
        const audit = { target: toTypeId('whe', found.webhookEndpointId), detail: { recovered: count } };
        return {
          status: 200,
          body: { ...endpointToWire(after, work.now), recovered: count },
          headers: etagOf(after),
          audit,
        };
      },
    }),

    route({
      method: 'post',
      path: `${one}/recover`,
      operationId: `recoverWebhookDeliveries${of}`,
      tag,
      summary: `Send again what a webhook endpoint ${whose} missed`,
      description:
        'All since a time that neither got through nor is on its way. Events keep their ids, so that receivers can tell what they know already.',
      params,
      body: z.strictObject({ since }),
      answers: { 202: { description: 'How many are sent again.', schema: recovered } },
      problems: ['endpoint_not_found', 'endpoint_disabled', 'recover_too_far'],
      action: 'webhook_endpoint.recovered',
      async run(work, input) {
        const found = requireEnabled(await requireLocked(work, idOf(input)));
        const count = await recoverDeliveries(work, {
          ...idOf(input),
          since: checkSince(work, input.body.since),
        });
        return {
          status: 202,
          body: { recovered: count },
          audit: { target: toTypeId('whe', found.webhookEndpointId), detail: { recovered: count } },
        };
      },
    }),
  ];
}

const idOf = (input: { params: z.output<typeof params> }) => ({ endpointId: input.params.endpoint_id });
const auditOf = ({ webhookEndpointId, url }: Endpoint) => ({
  target: toTypeId('whe', webhookEndpointId),
  detail: { host: new URL(url).host },
});

async function requireLocked(work: TenantWork, place: { endpointId: string }): Promise<Endpoint> {
  const found = await lockEndpoint(work, place);
  if (found === undefined) throw new HttpError('endpoint_not_found');
  return found;
}

/** The endpoint, if something can be sent to it now. */
export function requireEnabled(endpoint: Endpoint): Endpoint {
  if (endpoint.disabledAt !== null) throw new HttpError('endpoint_disabled');
  return endpoint;
}

function checkSince({ now }: TenantWork, from: Date): Date {
  if (from.getTime() < now.getTime() - RECOVER_MAX_MS) throw new HttpError('recover_too_far');
  return from;
}
