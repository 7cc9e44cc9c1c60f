/**
 * The addresses of OAuth apps for webhooks of all their accounts. The app is proved by its secret, and an
 * event is for the integrations whose consent is of the account that it names.
 */
import { type Selectable, sql } from 'kysely';
import type { TenantWork, Work } from '../../database';
import type { OAuthAppWebhooksTable } from '../../tables/oauth';

export type AppAddress = Selectable<OAuthAppWebhooksTable>;

interface AppKey {
  oauthAppId: string;
}

export interface AppPlace extends AppKey {
  /** The owner of the app: a tenant, or the platform. */
  tenantId: string;
}

/** A new address. The one before it is refused from now on. */
export async function replaceAppAddress(
  { trx, tenantId, now }: TenantWork,
  { oauthAppId, ...given }: AppKey & { definitionKey: string; tokenHash: Buffer },
): Promise<AppAddress> {
  const fresh = { ...given, createdAt: now, receivedAt: null, refusedAt: null, unknownEvents: 0 };
  return trx
    .insertInto('oauthAppWebhooks')
    .values({ tenantId, oauthAppId, secret: null, ...fresh })
    .onConflict((conflict) => conflict.columns(['tenantId', 'oauthAppId']).doUpdateSet(fresh))
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** Calls to it are refused from now on. @returns undefined if there was none. */
export async function deleteAppAddress(
  { trx, tenantId }: TenantWork,
  { oauthAppId }: AppKey,
): Promise<AppAddress | undefined> {
  return trx
    .deleteFrom('oauthAppWebhooks')
    .where('tenantId', '=', tenantId)
    .where('oauthAppId', '=', oauthAppId)
    .returningAll()
    .executeTakeFirst();
}

export async function countUnknownEvents(
  { trx, tenantId }: TenantWork,
  { oauthAppId, events }: AppKey & { events: number },
): Promise<void> {
  await trx
    .updateTable('oauthAppWebhooks')
    .set(({ eb }) => ({ unknownEvents: eb('unknownEvents', '+', events) }))
    .where('tenantId', '=', tenantId)
    .where('oauthAppId', '=', oauthAppId)
    .execute();
}

export interface AccountIntegration {
  tenantId: string;
  integrationId: string;
  accountId: string;
}

/** A tenant's own app reaches only that tenant. For an app of the platform, the account has to be proved. */
const IS_ATTRIBUTABLE = sql<boolean>`
  (account.tenant_id = account.app_tenant_id or account.proved_connection_id = account.connection_id)`;

/**
 * The integrations that an app has connected to the accounts, at most `limit`: the first of each tenant come
 * before the second of any, so that none takes the place of others. Needs the platform role: an app of
 * the platform connects accounts of many tenants, and one of a tenant only its own.
 */
export async function locateAccounts(
  { trx }: Work,
  { tenantId, oauthAppId, accountIds, limit }: AppPlace & { accountIds: readonly string[]; limit: number },
): Promise<AccountIntegration[]> {
  const { rows } = await sql<AccountIntegration>`
    select account.tenant_id, account.integration_id, account.account_id
    from oauth_accounts account
    where account.app_tenant_id = ${tenantId} and account.oauth_app_id = ${oauthAppId}
      and account.account_id = any(${[...accountIds]}::text[]) and ${IS_ATTRIBUTABLE}
    order by row_number() over (partition by account.tenant_id order by account.integration_id),
      account.tenant_id
    limit ${limit}`.execute(trx);
  return rows;
}

/** From when on webhooks of the integration's account come through its app; undefined = they do not. */
export async function findAppWebhooksOf(
  { trx, tenantId }: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<{ createdAt: Date; receivedAt: Date | null } | undefined> {
  const { rows } = await sql<{ createdAt: Date; receivedAt: Date | null }>`
    select greatest(webhooks.created_at, account.connected_at) as created_at, webhooks.received_at
    from oauth_accounts account
    join oauth_app_webhooks webhooks
      on webhooks.tenant_id = account.app_tenant_id and webhooks.oauth_app_id = account.oauth_app_id
    where account.tenant_id = ${tenantId} and account.integration_id = ${integrationId}
      and account.account_id is not null and webhooks.secret is not null and ${IS_ATTRIBUTABLE}`.execute(trx);
  return rows[0];
}
