/** An integration whose account was connected at a hostile issuer, and token sources of its workers. */
import { randomBytes } from 'node:crypto';
import { createAccountTokens } from '../../../../activities/integrations/oauth/account-tokens';
import {
  REFRESH_TIMES,
  type RefreshOptions,
} from '../../../../activities/integrations/oauth/refresh-account';
import type { AccessTokens } from '../../../../connectors/connector';
import { rest } from '../../../../connectors/rest';
import type { Database } from '../../../../db/database';
import { connectAccount } from '../../../../db/integrations/oauth/accounts';
import { appSecretLocation, createApp } from '../../../../db/integrations/oauth/apps';
import { createEncryption, type Encryption } from '../../../../db/platform/encryption';
import { newUuid, toTypeId } from '../../../../db/sql/ids';
import { PLATFORM_TENANT_ID } from '../../../../db/tables/tenants';
import { originsOf } from '../../../../domain/credential-origins';
import { createHttpClient } from '../../../../egress/http-client';
import { loopbackPolicy } from '../../../connectors/suite/given';
import type { GivenTenant } from '../../../db/given';
import type { HostileIssuer } from '../../../support/servers/hostile-issuer';

export const APP_SECRET = 'secret-of-the-app-4711';

export interface GivenAccount {
  tenantId: string;
  integrationId: string;
  connectionId: string;
  config: Record<string, unknown>;
  /** Of the encryption, for another process. */
  key: string;
}

export const encryptionWith = (key: string): Encryption =>
  createEncryption({ keys: [{ keyId: 'test', secret: Buffer.from(key, 'base64') }] });

/** One for all accounts of a database: the platform's apps share it. */
export const KEY = randomBytes(32).toString('base64');

export const restConfig = (url: string, appId: string, auth: object = {}): Record<string, unknown> => ({
  app: 'Contacts',
  base_url: url,
  auth: {
    type: 'oauth2_authorization_code',
    app_id: appId,
    authorization_url: `${url}/authorize`,
    token_url: `${url}/token`,
    scopes: ['contacts'],
    ...auth,
  },
  check: { path: '/ping' },
  record_types: { employees: { create: { path: '/employees' }, update: { path: '/employees/{remote_id}' } } },
});

export async function givenApp(
  database: Database,
  encryption: Encryption,
  tenantId: string,
  allowedOrigins: string[],
): Promise<string> {
  const oauthAppId = newUuid();
  await database.withTenant(tenantId, async (work) =>
    createApp(work, {
      oauthAppId,
      name: 'Contacts',
      clientId: 'syncline',
      clientSecret: await encryption.encrypt(work, appSecretLocation(oauthAppId), APP_SECRET),
      allowedOrigins,
    }),
  );
  return oauthAppId;
}

/** Its access token is about to be refreshed. */
export async function givenAccount(
  tenant: GivenTenant,
  issuer: HostileIssuer,
  { isDue = true, auth = {} }: { isDue?: boolean; auth?: object } = {},
): Promise<GivenAccount> {
  const { database } = tenant.db;
  const encryption = encryptionWith(KEY);
  const oauthAppId = await givenApp(database, encryption, PLATFORM_TENANT_ID, [issuer.url]);
  const config = restConfig(issuer.url, toTypeId('oap', oauthAppId), auth);
  const integrationId = await tenant.integration({ connector: 'rest', config: config as never });
  const connectionId = newUuid();
  const tokens = issuer.issue();
  await tenant.work((work) =>
    connectAccount(work, encryption, {
      integrationId,
      connectionId,
      appTenantId: PLATFORM_TENANT_ID,
      oauthAppId,
      ...tokens,
      accessExpiresAt: new Date(work.now.getTime() + (isDue ? -1_000 : 3_600_000)),
      refreshDueAt: new Date(work.now.getTime() + (isDue ? -1_000 : 3_000_000)),
      scopes: null,
      accountId: null,
      accountName: null,
      isProved: false,
      connectedBy: 'test',
    }),
  );
  return { tenantId: tenant.tenantId, integrationId, connectionId, config, key: KEY };
}

/** For providers that do not answer, and workers that die. A busy machine may take longer for any answer. */
export const QUICK = { callMs: 1_000, leaseMs: 1_200, answersArriveMs: 2_500 };

/** The tokens as one more worker process would have them: nothing is shared in memory. */
export function tokensOfWorker(
  database: Database,
  { tenantId, integrationId, connectionId, config, key }: GivenAccount,
  { at, times = REFRESH_TIMES }: Pick<RefreshOptions, 'at' | 'times'> = {},
): AccessTokens {
  const encryption = encryptionWith(key);
  const parsed = rest.configSchema.parse(config);
  const settings = rest.oauth?.(parsed);
  if (settings === undefined) throw new Error('The configuration has no account.');
  const source = createAccountTokens({ database, encryption, times, ...(at === undefined ? {} : { at }) });
  return source({
    tenantId,
    integrationId,
    connectionId,
    settings,
    origins: originsOf(rest, parsed),
    http: (signal) => createHttpClient({ policy: loopbackPolicy, hosts: rest.hosts(parsed), signal }),
    signal: new AbortController().signal,
  });
}
