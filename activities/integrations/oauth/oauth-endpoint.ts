/** The token endpoint of an integration, with the client id and the secret of the app that it names. */
import type { HttpClient } from '../../../connectors/http';
import { Unauthorized, Unavailable } from '../../../connectors/errors';
import type { TokenEndpoint } from '../../../connectors/oauth/token-calls';
import type { Database, TenantWork } from '../../../db/database';
import {
  appSecretLocation,
  findAppOf,
  findAppSecret,
  type OAuthApp,
} from '../../../db/integrations/oauth/apps';
import type { Encryption } from '../../../db/platform/encryption';
import type { Origins } from '../../../domain/credential-origins';
import { isAllowedOrigin } from '../../../domain/oauth/allowed-origins';
import type { OAuthSettings } from '../../../domain/oauth/authorization';

/**
 * The app, if all addresses of the configuration are among those that it allows. @throws Unavailable: the app
 * or the configuration is corrected, and nobody has to connect the account again.
 */
export async function findAllowedApp(
  work: TenantWork,
  { appId }: OAuthSettings,
  origins: Origins,
): Promise<OAuthApp> {
  const app = await findAppOf(work, { appId });
  if (app === undefined) throw new Unauthorized('The OAuth app that the configuration names does not exist.');
  const foreign = Object.entries(origins).find(([, origin]) => !isAllowedOrigin(app.allowedOrigins, origin));
  if (foreign !== undefined)
    throw new Unavailable(
      `The OAuth app "${app.name}" does not allow ${foreign[1]} (${foreign[0]}). Nothing was sent there.`,
    );
  return app;
}

/** The secret is decrypted in a transaction of its owner, which may be the platform. */
export async function openTokenEndpoint(
  { database, encryption }: { database: Database; encryption: Encryption },
  settings: OAuthSettings,
  { tenantId, oauthAppId, clientId }: OAuthApp,
): Promise<TokenEndpoint> {
  const clientSecret = await database.withTenant(tenantId, async (work) => {
    const sealed = (await findAppSecret(work, { oauthAppId })) ?? null;
    return sealed === null ? null : encryption.open(work, appSecretLocation(oauthAppId), sealed);
  });
  return {
    tokenUrl: settings.tokenUrl,
    issuer: settings.issuer,
    clientAuth: settings.clientAuth,
    clientId,
    clientSecret,
    parameters: settings.tokenParameters,
  };
}

/** Without the rate limiter of the API calls: the token endpoint is another service. */
export type OpenHttp = (signal: AbortSignal) => HttpClient;
