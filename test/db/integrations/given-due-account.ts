/** Accounts whose tokens have been due for an hour. */
import { connectAccount } from '../../../db/integrations/oauth/accounts';
import { createApp } from '../../../db/integrations/oauth/apps';
import type { Encryption } from '../../../db/platform/encryption';
import { newUuid } from '../../../db/sql/ids';
import type { GivenTenant } from '../given';

const encryption = { encrypt: async () => 'sealed' } as unknown as Encryption;

/** With an app and an integration of its own. @returns the id of the integration */
export async function givenDueAccount(tenant: GivenTenant): Promise<string> {
  const oauthAppId = newUuid();
  const app = { oauthAppId, name: 'A', clientId: 'c', clientSecret: null, allowedOrigins: [] };
  await tenant.work((work) => createApp(work, app));
  const integrationId = await tenant.integration();
  await tenant.work((work) =>
    connectAccount(work, encryption, {
      integrationId,
      connectionId: newUuid(),
      appTenantId: tenant.tenantId,
      oauthAppId,
      accessToken: 'token',
      refreshToken: 'token',
      accessExpiresAt: null,
      refreshDueAt: new Date(Date.now() - 3_600_000),
      scopes: null,
      accountId: null,
      accountName: null,
      connectedBy: 'Ana',
      isProved: false,
    }),
  );
  return integrationId;
}
