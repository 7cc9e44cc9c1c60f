/** The address of an integration for webhooks of its app, and the secret that they are signed with. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import type { IncomingWebhooks } from '../../connectors/incoming';
import {
  findAddress,
  saveWebhookSecret,
  webhookSecretLocation,
} from '../../db/integrations/incoming/addresses';
import {
  incomingAddressLocation,
  type IncomingAddress,
  replaceIncomingAddress,
} from '../../db/integrations/incoming/incoming-addresses';
import { findAppWithSecret } from '../../db/integrations/oauth/app-webhook-secrets';
import { lockIntegration } from '../../db/integrations/integrations';
import { toTypeId } from '../../db/sql/ids';
import { requestSyncRun } from '../../db/sync-runs/sync-run-requests';
import { HttpError } from '../http/http-error';
import { requireConnector } from '../integrations/integration-input';
import { integrationParams } from '../integrations/integration-schema';
import { requireIntegration } from '../integrations/integration-views';
import { instant, recordTypeName, toInstantOrNull } from '../routing/common-schemas';
import type { TenantContext } from '../routing/context';
import { defineRoute, type Route } from '../routing/define-route';
import { addressState, newAddress, secretBody, shownAddress, toWireState } from './address-state';
import { webhooksIn } from './described-webhooks';

const tag = 'Integrations';
const base = '/v1/integrations/{integration_id}/incoming-webhooks';

const view = z
  .object({
    record_types: z
      .array(recordTypeName)
      .meta({ description: 'The record types that webhooks of the app can name.' }),
    ...addressState.shape,
    subscription: z
      .object({
        ends_at: instant.nullable().meta({ description: 'When it ends; null = there is none yet.' }),
        error: z
          .string()
          .nullable()
          .meta({ description: 'Why the last attempt to subscribe failed; null = it did not.' }),
        needs_secret: z.boolean().meta({
          description:
            'The app has a secret of its own. Syncline subscribes once it is stored, here or with the OAuth app.',
        }),
      })
      .nullable()
      .meta({
        description:
          'Of webhooks to which Syncline subscribes itself, soon after the address was made. Hourly runs ' +
          'renew it. null = a person enters the address and its secret in the app.',
      }),
  })
  .meta({ id: 'IncomingWebhooks' });
const withAddress = view.extend({ address: shownAddress }).meta({ id: 'NewIncomingWebhooks' });

export const incomingWebhookRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: base,
    operationId: 'showIncomingWebhooks',
    tag,
    summary: 'Show whether webhooks of the app arrive',
    params: integrationParams,
    responses: { 200: { description: 'The state; the address is not shown again.', schema: view } },
    problems: ['integration_not_found', 'webhooks_not_described'],
    async run(work, { params: { integration_id: integrationId } }, context) {
      const incoming = await incomingOf(work, integrationId, context);
      const address = await findAddress(work, { integrationId });
      const hasSecret = await hasAppSecret(work, integrationId, incoming);
      return { status: 200, body: toWire(incoming, address, hasSecret) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: `${base}/address`,
    operationId: 'replaceIncomingAddress',
    tag,
    summary: 'Make a new address for webhooks of the app',
    description:
      'The address before it stops working at once, and the secret stays. The configuration of the integration ' +
      'must describe `webhooks`.',
    params: integrationParams,
    responses: { 201: { description: 'The new address.', schema: withAddress } },
    problems: ['integration_not_found', 'webhooks_not_described'],
    action: 'integration.incoming_address_replaced',
    isResponseSecret: true,
    async run(work, { params: { integration_id: integrationId } }, context) {
      await lockIntegration(work, { integrationId });
      const incoming = await incomingOf(work, integrationId, context);
      const { url, tokenHash } = newAddress(context);
      const sealed = await seal(work, { integrationId, url, incoming }, context);
      const address = await replaceIncomingAddress(work, { integrationId, tokenHash, ...sealed });
      const hasSecret = address.secret !== null || (await hasAppSecret(work, integrationId, incoming));
      if (incoming.isSubscribed && hasSecret) await subscribeSoon(work, integrationId, context);
      return {
        status: 201,
        body: { ...toWire(incoming, address, hasSecret), address: url },
        audit: auditOf(integrationId),
      };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'put',
    path: `${base}/secret`,
    operationId: 'replaceIncomingSecret',
    tag,
    summary: 'Store the secret of the webhooks of the app',
    description: 'It is encrypted and never shown again. Make the address first.',
    params: integrationParams,
    body: secretBody,
    responses: { 200: { description: 'The state.', schema: view } },
    problems: ['integration_not_found', 'webhooks_not_described', 'incoming_address_missing'],
    action: 'integration.incoming_secret_replaced',
    async run(work, { params: { integration_id: integrationId }, body }, context) {
      await lockIntegration(work, { integrationId });
      const incoming = await incomingOf(work, integrationId, context);
      const location = webhookSecretLocation({ integrationId });
      const secret = await context.services.encryption.encrypt(work, location, body.secret);
      const address = await saveWebhookSecret(work, { integrationId }, { secret });
      if (address === undefined) throw new HttpError('incoming_address_missing');
      // Calls of a subscription with the former secret are refused from now on.
      if (incoming.isSubscribed) await subscribeSoon(work, integrationId, context);
      return { status: 200, body: toWire(incoming, address), audit: auditOf(integrationId) };
    },
  }),
];

const auditOf = (integrationId: string) => ({ target: toTypeId('int', integrationId), detail: {} });

/** Throws `webhooks_not_described` if the configuration has none. */
async function incomingOf(
  work: TenantWork,
  integrationId: string,
  { services }: Pick<TenantContext, 'services'>,
): Promise<IncomingWebhooks> {
  const integration = await requireIntegration(work, integrationId);
  const connector = requireConnector(services.connectors, integration.connector);
  const incoming = webhooksIn(connector, integration.config);
  if (incoming === undefined) throw new HttpError('webhooks_not_described');
  return incoming;
}

/** Whether the OAuth app has stored a secret for the webhooks of all its accounts. */
const hasAppSecret = async (
  work: TenantWork,
  integrationId: string,
  { isSecretGiven }: IncomingWebhooks,
): Promise<boolean> =>
  isSecretGiven === true && (await findAppWithSecret(work, { integrationId })) !== undefined;

/** What the worker needs to subscribe, encrypted: the address, and a new secret if Syncline makes it. */
async function seal(
  work: TenantWork,
  { integrationId, url, incoming }: { integrationId: string; url: string; incoming: IncomingWebhooks },
  { services: { encryption } }: Pick<TenantContext, 'services'>,
): Promise<{ address?: string; secret?: string }> {
  if (!incoming.isSubscribed) return {};
  const address = await encryption.encrypt(work, incomingAddressLocation(integrationId), url);
  if (incoming.isSecretGiven) return { address };
  const made = randomBytes(32).toString('base64url');
  return {
    address,
    secret: await encryption.encrypt(work, webhookSecretLocation({ integrationId }), made),
  };
}

/** In a run of its own: a run that has begun may already have passed the step that subscribes. */
async function subscribeSoon(
  work: TenantWork,
  integrationId: string,
  { caller }: TenantContext,
): Promise<void> {
  const { onboardedAt } = await requireIntegration(work, integrationId);
  if (onboardedAt === null) return;
  await requestSyncRun(work, { integrationId, kind: 'hourly', startedBy: caller.actor, mustFollow: true });
}

function toWire(
  { recordTypes, isSubscribed, isSecretGiven }: IncomingWebhooks,
  address: IncomingAddress | undefined,
  isAppSecretKnown = false,
): z.output<typeof view> {
  const state = toWireState(address);
  return {
    record_types: [...recordTypes],
    ...state,
    has_secret: state.has_secret || isAppSecretKnown,
    subscription: isSubscribed
      ? {
          ends_at: toInstantOrNull(address?.subscribedUntil ?? null),
          error: address?.subscriptionError ?? null,
          needs_secret: isSecretGiven === true,
        }
      : null,
  };
}
