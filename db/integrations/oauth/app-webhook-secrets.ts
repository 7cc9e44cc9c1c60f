/**
 * The webhook secret of an OAuth app, for providers that sign the webhooks of all accounts of an app with one
 * secret and call an address of each integration, such as Exact Online. Only the owner can decrypt it.
 */
import type { TenantWork } from '../../database';
import type { Encryption } from '../../platform/encryption';

interface AppPlace {
  /** The owner of the app: a tenant, or the platform. */
  tenantId: string;
  oauthAppId: string;
}

export const appWebhookSecretLocation = (oauthAppId: string) => ({
  table: 'oauth_apps',
  rowId: oauthAppId,
  column: 'webhook_secret',
});

/** The app that has connected the account of the integration, if it has a webhook secret. */
export async function findAppWithSecret(
  { trx, tenantId }: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<AppPlace | undefined> {
  const account = await trx
    .selectFrom('oauthAccounts')
    .select(['appTenantId', 'oauthAppId'])
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .executeTakeFirst();
  if (account === undefined) return undefined;
  return trx
    .selectFrom('oauthApps')
    .select(['tenantId', 'oauthAppId'])
    .where('tenantId', '=', account.appTenantId)
    .where('oauthAppId', '=', account.oauthAppId)
    .where('webhookSecret', 'is not', null)
    .executeTakeFirst();
}

/** `work` belongs to the owner of the app. @returns null if the secret was removed meanwhile. */
export async function openAppWebhookSecret(
  work: TenantWork,
  encryption: Pick<Encryption, 'open'>,
  { oauthAppId }: Pick<AppPlace, 'oauthAppId'>,
): Promise<string | null> {
  const row = await work.trx
    .selectFrom('oauthApps')
    .select('webhookSecret')
    .where('tenantId', '=', work.tenantId)
    .where('oauthAppId', '=', oauthAppId)
    .executeTakeFirst();
  if (row === undefined || row.webhookSecret === null) return null;
  return encryption.open(work, appWebhookSecretLocation(oauthAppId), row.webhookSecret);
}
