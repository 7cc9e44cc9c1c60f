/**
 * OAuth apps, for tenants and for the platform. A tenant lists and uses the platform's, too, but changes only
 * its own; nobody reads a secret.
 */
import { z } from 'zod';
import { acrossTenants } from '../../../db/across-tenants';
import type { TenantWork } from '../../../db/database';
import { type AppUse, listAppUses } from '../../../db/integrations/oauth/app-uses';
import { appWebhookSecretLocation } from '../../../db/integrations/oauth/app-webhook-secrets';
import {
  appSecretLocation,
  changeApp,
  createApp,
  deleteApp,
  findApp,
  listApps,
  lockForDeletion,
  lockOwnApp,
  type OAuthApp,
} from '../../../db/integrations/oauth/apps';
import type { EncryptedLocation } from '../../../db/platform/encrypted-text';
import { newUuid, toTypeId } from '../../../db/sql/ids';
import { PLATFORM_TENANT_ID } from '../../../db/tables/tenants';
import { redirectUri } from '../../connect/connect-origins';
import { HttpError } from '../../http/http-error';
import type { TenantContext } from '../../routing/context';
import { defineRoute, type Route } from '../../routing/define-route';
import { ETAG, etagOf, requireVersion } from '../../routing/etag';
import { listOf, listParams, readPage, toPage, uuidPosition } from '../../routing/pagination';
import { toPlatformRoute } from '../../webhooks/platform-routes';
import {
  newOAuthApp,
  oauthAppChange,
  oauthAppParams as params,
  oauthAppToWire,
  oauthAppView,
} from './oauth-app-schema';

const tag = 'OAuth apps';
const base = '/v1/oauth-apps';
const path = `${base}/{oauth_app_id}`;
const SECRET =
  'Its secret is stored encrypted, never shown, and sent only to the allowed origins. ' +
  'docs/connectors/rest-oauth.md explains the setup.';

const tenantRoutes: readonly Route[] = [
  defineRoute({
    scope: 'tenant',
    method: 'post',
    path: base,
    operationId: 'createOAuthApp',
    tag,
    summary: 'Create an OAuth app',
    description: `Registers an app that exists at a provider. ${SECRET}`,
    body: newOAuthApp,
    responses: { 201: { description: 'The new app.', schema: oauthAppView, headers: ETAG } },
    action: 'oauth_app.created',
    run: create,
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path: base,
    operationId: 'listOAuthApps',
    tag,
    summary: 'List OAuth apps',
    query: z.strictObject(listParams),
    responses: {
      200: {
        description: 'The apps that can be used, in the order in which they were created.',
        schema: listOf(oauthAppView).extend({
          redirect_uri: z.url().meta({
            description: 'Register it at the provider, for every app.',
            example: 'https://syncline.example.com/connect/callback',
          }),
        }),
      },
    },
    problems: ['invalid_cursor'],
    async run(work, { query }, { services }) {
      const scope = ['oauth-apps', work.tenantId];
      const { limit, after } = readPage(query, scope, uuidPosition);
      const rows = await listApps(work, { limit: limit + 1, after });
      const uses = await usesOf(work, rows);
      const toWire = (app: OAuthApp) => oauthAppToWire(app, uses);
      const page = toPage(rows, limit, scope, ({ oauthAppId }) => oauthAppId, toWire);
      return { status: 200, body: { ...page, redirect_uri: redirectUri(services.config) } };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'get',
    path,
    operationId: 'showOAuthApp',
    tag,
    summary: 'Show an OAuth app',
    params,
    responses: { 200: { description: 'The app, without its secret.', schema: oauthAppView, headers: ETAG } },
    problems: ['oauth_app_not_found'],
    async run(work, input) {
      const found = await requireApp(work, input.params.oauth_app_id);
      return { status: 200, ...(await respond(work, found)) };
    },
  }),

  defineRoute({
    scope: 'tenant',
    method: 'patch',
    path,
    operationId: 'changeOAuthApp',
    tag,
    summary: 'Change an OAuth app',
    description: `A further allowed origin needs the secret again. ${SECRET}`,
    params,
    body: oauthAppChange,
    needsIfMatch: true,
    responses: { 200: { description: 'The changed app.', schema: oauthAppView, headers: ETAG } },
    problems: ['oauth_app_not_found', 'client_secret_needed'],
    action: 'oauth_app.changed',
    run: change,
  }),

  defineRoute({
    scope: 'tenant',
    method: 'delete',
    path,
    operationId: 'deleteOAuthApp',
    tag,
    summary: 'Delete an OAuth app',
    params,
    responses: { 204: { description: 'The app is deleted.', schema: null } },
    problems: ['oauth_app_not_found', 'oauth_app_in_use'],
    action: 'oauth_app.deleted',
    async run(work, input) {
      const oauthAppId = input.params.oauth_app_id;
      const found = await lockOwnApp(work, { oauthAppId });
      if (found === undefined) throw new HttpError('oauth_app_not_found');
      await lockForDeletion(work, { oauthAppId });
      const uses = await usesOf(work, [found]);
      if (uses.length > 0) throw inUse(uses);
      if (!(await deleteApp(work, { oauthAppId }))) throw new HttpError('oauth_app_in_use');
      return { status: 204, audit: auditOf(found) };
    },
  }),
];

export const oauthAppRoutes: readonly Route[] = [...tenantRoutes, ...tenantRoutes.map(toPlatformRoute)];

async function create(
  work: TenantWork,
  { body }: { body: z.output<typeof newOAuthApp> },
  { services }: TenantContext,
) {
  const oauthAppId = newUuid();
  await createApp(work, {
    oauthAppId,
    name: body.name,
    clientId: body.client_id,
    clientSecret: await seal(work, appSecretLocation(oauthAppId), body.client_secret, services),
    webhookSecret: await seal(work, appWebhookSecretLocation(oauthAppId), body.webhook_secret, services),
    allowedOrigins: body.allowed_origins,
  });
  const created = await requireApp(work, oauthAppId);
  return { status: 201 as const, ...(await respond(work, created)), audit: auditOf(created) };
}

async function change(
  work: TenantWork,
  input: {
    params: z.output<typeof params>;
    body: z.output<typeof oauthAppChange>;
    ifMatch: number | undefined;
  },
  { services }: TenantContext,
) {
  const oauthAppId = input.params.oauth_app_id;
  const { body } = input;
  const before = requireVersion(await lockOwnApp(work, { oauthAppId }), input.ifMatch, 'oauth_app_not_found');
  const added = (body.allowed_origins ?? []).filter((origin) => !before.allowedOrigins.includes(origin));
  if (before.hasSecret && added.length > 0 && body.client_secret === undefined)
    throw new HttpError('client_secret_needed');
  await changeApp(
    work,
    { oauthAppId },
    {
      ...(body.name === undefined ? {} : { name: body.name }),
      ...(body.client_id === undefined ? {} : { clientId: body.client_id }),
      ...(body.client_secret === undefined
        ? {}
        : { clientSecret: await seal(work, appSecretLocation(oauthAppId), body.client_secret, services) }),
      ...(body.webhook_secret === undefined
        ? {}
        : {
            webhookSecret: await seal(
              work,
              appWebhookSecretLocation(oauthAppId),
              body.webhook_secret,
              services,
            ),
          }),
      ...(body.allowed_origins === undefined ? {} : { allowedOrigins: body.allowed_origins }),
    },
  );
  const after = await requireApp(work, oauthAppId);
  const detail = { changed: Object.keys(body), ...(added.length === 0 ? {} : { added_origins: added }) };
  return {
    status: 200 as const,
    ...(await respond(work, after)),
    audit: { ...auditOf(after), detail },
  };
}

async function requireApp(work: TenantWork, oauthAppId: string): Promise<OAuthApp> {
  const found = await findApp(work, { oauthAppId });
  if (found === undefined) throw new HttpError('oauth_app_not_found');
  return found;
}

const seal = async (
  work: TenantWork,
  location: EncryptedLocation,
  secret: string | null,
  { encryption }: Pick<TenantContext['services'], 'encryption'>,
): Promise<string | null> => (secret === null ? null : encryption.encrypt(work, location, secret));

/** For the platform, of all tenants. */
const usesOf = (work: TenantWork, apps: readonly OAuthApp[]): Promise<AppUse[]> =>
  work.tenantId === PLATFORM_TENANT_ID
    ? acrossTenants(work, 'platform', (platform) => listAppUses(platform, apps))
    : listAppUses(work, apps);

async function respond(work: TenantWork, app: OAuthApp) {
  return { body: oauthAppToWire(app, await usesOf(work, [app])), headers: etagOf(app) };
}

/** Names what uses the app. */
function inUse(uses: readonly AppUse[]): HttpError {
  const named = uses.map(({ definitionKey: key, integrations }) =>
    key === null ? `${integrations} without a definition` : `${integrations} of ${key}`,
  );
  const detail =
    `Integrations use it: ${named.join(', ')}. Connect them by another app, or disconnect them; then delete ` +
    'this one.';
  return new HttpError('oauth_app_in_use', { detail });
}

const auditOf = ({ oauthAppId, name, allowedOrigins }: OAuthApp) => ({
  target: toTypeId('oap', oauthAppId),
  detail: { name, allowed_origins: allowedOrigins },
});
