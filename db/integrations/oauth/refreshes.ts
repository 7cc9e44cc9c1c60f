/**
 * Refreshes of tokens. One worker at a time refreshes: it takes the lease, which also notes that an answer is
 * open, sends the request outside of any transaction, and stores the answer if the generation is still the
 * one that it has sent. A worker that dies leaves the open answer behind, and the next one sends the same
 * refresh token again.
 */
import { type Selectable, sql } from 'kysely';
import type { TenantWork, Work } from '../../database';
import type { Encryption } from '../../platform/encryption';
import { sanitizeForPostgres } from '../../sql/sanitize-text';
import type { OAuthAccountsTable } from '../../tables/oauth';
import {
  accountTokenLocation,
  type AccountVersion,
  sealToken,
  selectAccount,
  type TokenColumn,
  type TokensToStore,
} from './accounts';

export type RefreshLease =
  | {
      kind: 'taken';
      refreshToken: string;
      previousRefreshToken: string | null;
      /** An earlier refresh with the same token whose answer is not known. */
      unansweredSince: Date | null;
      failedRefreshes: number;
    }
  /** The row has other tokens meanwhile, or none that can be refreshed. */
  | { kind: 'moved' }
  | { kind: 'held' };

/** Call it in a transaction of its own: the note of an open answer must be kept before anything is sent. */
export async function takeRefreshLease(
  work: TenantWork,
  encryption: Encryption,
  version: AccountVersion,
  { leaseId, leaseMs }: { leaseId: string; leaseMs: number },
): Promise<RefreshLease> {
  const { trx, tenantId, now } = work;
  const { integrationId } = version;
  const row = await selectAccount(work, integrationId).forNoKeyUpdate().executeTakeFirst();
  if (row === undefined || !isAt(row, version) || row.refreshToken === null || row.refusedAt !== null)
    return { kind: 'moved' };
  if (row.refreshLeaseUntil !== null && row.refreshLeaseUntil > now && row.refreshLeaseId !== leaseId)
    return { kind: 'held' };
  const until = new Date(now.getTime() + leaseMs);
  await trx
    .updateTable('oauthAccounts')
    .set({
      refreshLeaseId: leaseId,
      refreshLeaseUntil: until,
      unansweredSince: row.unansweredSince ?? now,
      // If this worker dies, another one sends the same token again, while the provider still accepts it.
      refreshDueAt: until,
    })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
  const open = (column: TokenColumn, text: string) =>
    encryption.open(work, accountTokenLocation(integrationId, column), text);
  return {
    kind: 'taken',
    refreshToken: await open('refresh_token', row.refreshToken),
    previousRefreshToken:
      row.previousRefreshToken === null
        ? null
        : await open('previous_refresh_token', row.previousRefreshToken),
    unansweredSince: row.unansweredSince,
    failedRefreshes: row.failedRefreshes,
  };
}

/**
 * Stores the answer to a refresh. @returns false if the row has other tokens meanwhile. A refresh token that
 * comes too late is kept as the previous one: some providers accept only the last that they have issued.
 */
export async function saveRefreshed(
  work: TenantWork,
  encryption: Encryption,
  version: AccountVersion,
  sent: string,
  { accessToken, refreshToken, scopes, ...tokens }: TokensToStore,
): Promise<boolean> {
  const { trx, tenantId, now } = work;
  const { integrationId } = version;
  const row = await selectAccount(work, integrationId).forNoKeyUpdate().executeTakeFirst();
  if (row === undefined || row.connectionId !== version.connectionId) return false;
  const isCurrent = isAt(row, version);
  const put = (column: TokenColumn, text: string) => sealToken(work, encryption, integrationId, column, text);
  if (!isCurrent && refreshToken === null) return false;
  await trx
    .updateTable('oauthAccounts')
    .set(
      isCurrent
        ? {
            ...tokens,
            ...(scopes === null ? {} : { scopes }),
            accessToken: await put('access_token', accessToken),
            ...(refreshToken === null
              ? {}
              : {
                  refreshToken: await put('refresh_token', refreshToken),
                  previousRefreshToken: await put('previous_refresh_token', sent),
                }),
            generation: version.generation + 1,
            refreshedAt: now,
            refreshLeaseId: null,
            refreshLeaseUntil: null,
            unansweredSince: null,
            failedRefreshes: 0,
            refusedAt: null,
            refusedReason: null,
          }
        : {
            previousRefreshToken: await put('previous_refresh_token', refreshToken as string),
            unansweredSince: row.unansweredSince ?? now,
            refreshDueAt: now,
          },
    )
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
  return isCurrent;
}

/** The refresh has failed: `isUnknown` keeps the note of the open answer. */
export async function endFailedRefresh(
  { trx, tenantId }: TenantWork,
  { integrationId, connectionId, generation }: AccountVersion,
  {
    leaseId,
    isUnknown,
    unansweredSince,
    retryAt,
  }: { leaseId: string; isUnknown: boolean; unansweredSince: Date | null; retryAt: Date },
): Promise<void> {
  await trx
    .updateTable('oauthAccounts')
    .set((eb) => ({
      refreshLeaseId: null,
      refreshLeaseUntil: null,
      ...(isUnknown ? {} : { unansweredSince }),
      failedRefreshes: eb('failedRefreshes', '+', 1),
      refreshDueAt: retryAt,
    }))
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('connectionId', '=', connectionId)
    .where('generation', '=', generation)
    .where('refreshLeaseId', '=', leaseId)
    .execute();
}

/** The provider refuses the refresh token for good. @returns false if the row has other tokens meanwhile. */
export async function refuseAccount(
  { trx, tenantId, now }: TenantWork,
  { integrationId, connectionId, generation }: AccountVersion,
  reason: string,
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('oauthAccounts')
    .set({
      refusedAt: now,
      refusedReason: sanitizeForPostgres(reason),
      refreshLeaseId: null,
      refreshLeaseUntil: null,
      refreshDueAt: null,
    })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('connectionId', '=', connectionId)
    .where('generation', '=', generation)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/**
 * For an account that is still due after an attempt which asked no provider, such as one whose configuration
 * signs in otherwise meanwhile: the accounts behind it come first.
 */
export async function postponeRefresh(
  { trx, tenantId, now }: TenantWork,
  { integrationId, delayMs }: { integrationId: string; delayMs: number },
): Promise<void> {
  await trx
    .updateTable('oauthAccounts')
    .set({ refreshDueAt: new Date(now.getTime() + delayMs) })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('refreshDueAt', '<=', now)
    .execute();
}

export interface DueAccount {
  tenantId: string;
  integrationId: string;
  refreshDueAt: Date | null;
}

/** Accounts whose refresh is overdue, the longest first, `after` that one. Needs the dispatcher's role. */
export async function findDueAccounts(
  { trx, now }: Work,
  { after, limit }: { after: DueAccount | undefined; limit: number },
): Promise<DueAccount[]> {
  let query = trx
    .selectFrom('oauthAccounts')
    .select(['tenantId', 'integrationId', 'refreshDueAt'])
    .where('refreshDueAt', '<', now)
    .where(sql<boolean>`refresh_token is not null and refused_at is null`);
  if (after !== undefined)
    query = query.where(
      sql<boolean>`(refresh_due_at, integration_id) > (${after.refreshDueAt}, ${after.integrationId})`,
    );
  return query.orderBy('refreshDueAt').orderBy('integrationId').limit(limit).execute();
}

const isAt = (row: Selectable<OAuthAccountsTable>, { connectionId, generation }: AccountVersion): boolean =>
  row.connectionId === connectionId && row.generation === generation;
