/**
 * The tokens of integrations that a person has connected by consent (decision 0030). They are stored before
 * they are used, each pair under the next generation (refreshes.ts). A trigger deletes them with the
 * integration.
 */
import type { Selectable } from 'kysely';
import type { TenantWork } from '../../database';
import type { Encryption } from '../../platform/encryption';
import type { OAuthAccountsTable } from '../../tables/oauth';

export type OAuthAccount = Omit<
  Selectable<OAuthAccountsTable>,
  'accessToken' | 'refreshToken' | 'previousRefreshToken'
> & { accessToken: string; hasRefreshToken: boolean };

/** Which tokens of which consent a worker has. */
export interface AccountVersion {
  integrationId: string;
  connectionId: string;
  generation: number;
}

export interface TokensToStore {
  accessToken: string;
  /** null: none was sent. */
  refreshToken: string | null;
  accessExpiresAt: Date | null;
  refreshDueAt: Date | null;
  scopes: string | null;
}

export type TokenColumn = 'access_token' | 'refresh_token' | 'previous_refresh_token';

export const accountTokenLocation = (integrationId: string, column: TokenColumn) => ({
  table: 'oauth_accounts',
  rowId: integrationId,
  column,
});

/** With the access token decrypted. */
export async function findAccount(
  work: TenantWork,
  encryption: Encryption,
  { integrationId }: { integrationId: string },
): Promise<OAuthAccount | undefined> {
  const row = await selectAccount(work, integrationId).executeTakeFirst();
  if (row === undefined) return undefined;
  const { refreshToken, previousRefreshToken: _, ...account } = row;
  const location = accountTokenLocation(integrationId, 'access_token');
  const accessToken = await encryption.open(work, location, row.accessToken);
  return { ...account, accessToken, hasRefreshToken: refreshToken !== null };
}

export const selectAccount = ({ trx, tenantId }: TenantWork, integrationId: string) =>
  trx
    .selectFrom('oauthAccounts')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId);

export interface NewAccount extends TokensToStore {
  integrationId: string;
  connectionId: string;
  appTenantId: string;
  oauthAppId: string;
  accountId: string | null;
  accountName: string | null;
  connectedBy: string;
  /** The account is read as a definition says. */
  isProved: boolean;
}

/** Replaces the account of the integration. Tokens of the former consent are forgotten. */
export async function connectAccount(
  work: TenantWork,
  encryption: Encryption,
  { integrationId, accessToken, refreshToken, isProved, ...account }: NewAccount,
): Promise<void> {
  const { trx, tenantId, now } = work;
  const values = {
    ...account,
    provedConnectionId: isProved ? account.connectionId : null,
    accessToken: await sealToken(work, encryption, integrationId, 'access_token', accessToken),
    refreshToken:
      refreshToken === null
        ? null
        : await sealToken(work, encryption, integrationId, 'refresh_token', refreshToken),
    previousRefreshToken: null,
    refreshedAt: now,
    refreshLeaseId: null,
    refreshLeaseUntil: null,
    unansweredSince: null,
    failedRefreshes: 0,
    connectedAt: now,
    refusedAt: null,
    refusedReason: null,
  };
  await trx
    .insertInto('oauthAccounts')
    .values({ tenantId, integrationId, ...values })
    .onConflict((conflict) =>
      conflict
        .columns(['tenantId', 'integrationId'])
        .doUpdateSet((eb) => ({ ...values, generation: eb('oauthAccounts.generation', '+', 1) })),
    )
    .execute();
}

export async function nameAccount(
  { trx, tenantId }: TenantWork,
  { integrationId, connectionId }: Omit<AccountVersion, 'generation'>,
  account: { accountId: string | null; accountName: string | null },
): Promise<void> {
  await trx
    .updateTable('oauthAccounts')
    .set(account)
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('connectionId', '=', connectionId)
    .execute();
}

export const sealToken = (
  work: TenantWork,
  encryption: Encryption,
  integrationId: string,
  column: TokenColumn,
  text: string,
): Promise<string> => encryption.encrypt(work, accountTokenLocation(integrationId, column), text);
