/** The address of an OAuth app for webhooks of all its accounts, of tenants and of the platform. */
import { z } from 'zod';
import type { TenantWork } from '../../db/database';
import {
  findAddress,
  saveWebhookSecret,
  webhookSecretLocation,
} from '../../db/integrations/incoming/addresses';
import {
  type AppAddress,
  deleteAppAddress,
  replaceAppAddress,
} from '../../db/integrations/incoming/app-addresses';
import { findApp, lockOwnApp } from '../../db/integrations/oauth/apps';
import { toTypeId } from '../../db/sql/ids';
import { HttpError } from '../http/http-error';
import { oauthAppParams as params } from '../integrations/oauth/oauth-app-schema';
import { defineRoute, type Route } from '../routing/define-route';
import { definitionKey } from '../third-parties/definition-schema';
import { toPlatformRoute } from '../webhooks/platform-routes';
import { addressState, newAddress, secretBody, shownAddress, toWireState } from './address-state';
import { findAppWebhooks, listAppWebhookDefinitions } from './described-webhooks';

const tag = 'OAuth apps';
const base = '/v1/oauth-apps/{oauth_app_id}/incoming-webhooks';

const view = z
  .object({
    definition_key: z.string().nullable().meta({
      description: 'The definition that describes the webhooks; null = there is no address.',
    }),
    ...addressState.shape,
    unknown_events: z
      .int()
      .meta({ description: 'Events of accounts that no integration has connected by the app.' }),
  })
  .meta({ id: 'OAuthAppWebhooks' });
const withAddress = view.extend({ address: shownAddress }).meta({ id: 'NewOAuthAppWebhooks' });
const addressBody = z.strictObject({
  definition_key: definitionKey.meta({
    description: 'Its `webhooks` say how calls are verified and where an event names its account.',
  }),
});

const tenantRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: base,
    operationId: 'showOAuthAppWebhooks',
    tag,
    summary: 'Show whether webhooks of an OAuth app arrive',
    params,
    responses: { 200: { description: 'The state; the address is not shown again.', schema: view } },
    problems: ['oauth_app_not_found'],
    async run(work, { params: { oauth_app_id: oauthAppId } }) {
      const app = await findApp(work, { oauthAppId });
      if (app?.tenantId !== work.tenantId) throw new HttpError('oauth_app_not_found');
      return { status: 200, body: toWire(await findAddress(work, { oauthAppId })) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: `${base}/address`,
    operationId: 'replaceOAuthAppAddress',
    tag,
    summary: 'Make a new address for webhooks of an OAuth app',
    description:
      'One address for all accounts that the app connects; docs/connectors/rest-app-webhooks.md explains it. ' +
      'The address before it stops working at once, and the secret stays.',
    params,
    body: addressBody,
    responses: { 201: { description: 'The new address.', schema: withAddress } },
    problems: ['oauth_app_not_found', 'app_webhooks_not_described'],
    action: 'oauth_app.incoming_address_replaced',
    isResponseSecret: true,
    async run(work, { params: { oauth_app_id: oauthAppId }, body }, context) {
      await requireOwnApp(work, oauthAppId);
      const given = { definitionKey: body.definition_key };
      if ((await findAppWebhooks(work, given, context.services)) === undefined)
        throw new HttpError('app_webhooks_not_described');
      const { url, tokenHash } = newAddress(context);
      const address = await replaceAppAddress(work, { oauthAppId, ...given, tokenHash });
      return { status: 201, body: { ...toWire(address), address: url }, audit: auditOf(address) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'delete',
    path: `${base}/address`,
    operationId: 'deleteOAuthAppAddress',
    tag,
    summary: 'Revoke the address for webhooks of an OAuth app',
    description: 'Calls to it are refused at once, and its secret is deleted.',
    params,
    responses: { 204: { description: 'There is no address any more.', schema: null } },
    problems: ['oauth_app_not_found'],
    action: 'oauth_app.incoming_address_revoked',
    async run(work, { params: { oauth_app_id: oauthAppId } }) {
      await requireOwnApp(work, oauthAppId);
      const address = await deleteAppAddress(work, { oauthAppId });
      return { status: 204, audit: address === undefined ? null : auditOf(address) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: `${base}/definitions`,
    operationId: 'listOAuthAppWebhookDefinitions',
    tag,
    summary: 'List the definitions that can describe the webhooks of an OAuth app',
    params,
    responses: {
      200: {
        description: 'By key. Their webhooks say where an event names its account.',
        schema: z
          .object({ data: z.array(z.object({ key: definitionKey, name: z.string() })) })
          .meta({ id: 'OAuthAppWebhookDefinitions' }),
      },
    },
    problems: ['oauth_app_not_found'],
    async run(work, { params: { oauth_app_id: oauthAppId } }, { services }) {
      const app = await findApp(work, { oauthAppId });
      if (app?.tenantId !== work.tenantId) throw new HttpError('oauth_app_not_found');
      return { status: 200, body: { data: await listAppWebhookDefinitions(work, services) } };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'put',
    path: `${base}/secret`,
    operationId: 'replaceOAuthAppWebhookSecret',
    tag,
    summary: 'Store the secret of the webhooks of an OAuth app',
    description: 'It is encrypted and never shown again. Make the address first.',
    params,
    body: secretBody,
    responses: { 200: { description: 'The state.', schema: view } },
    problems: ['oauth_app_not_found', 'app_address_missing'],
    action: 'oauth_app.incoming_secret_replaced',
    async run(work, { params: { oauth_app_id: oauthAppId }, body }, { services }) {
      await requireOwnApp(work, oauthAppId);
      const location = webhookSecretLocation({ oauthAppId });
      const secret = await services.encryption.encrypt(work, location, body.secret);
      const address = await saveWebhookSecret(work, { oauthAppId }, { secret });
      if (address === undefined) throw new HttpError('app_address_missing');
      return { status: 200, body: toWire(address), audit: auditOf(address) };
    },
  }),
];

export const appWebhookRoutes: readonly Route[] = [...tenantRoutes, ...tenantRoutes.map(toPlatformRoute)];

const auditOf = ({ oauthAppId, definitionKey: key }: AppAddress) => ({
  target: toTypeId('oap', oauthAppId),
  detail: { definition_key: key },
});

async function requireOwnApp(work: TenantWork, oauthAppId: string): Promise<void> {
  if ((await lockOwnApp(work, { oauthAppId })) === undefined) throw new HttpError('oauth_app_not_found');
}

function toWire(address: AppAddress | undefined): z.output<typeof view> {
  return {
    definition_key: address?.definitionKey ?? null,
    ...toWireState(address),
    unknown_events: address?.unknownEvents ?? 0,
  };
}
