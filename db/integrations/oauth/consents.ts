/**
 * Consents: a person was sent to a provider and comes back with a code, which a worker exchanges for tokens.
 *
 * Whoever sends the person creates the row with `createConsent` (state and verifier), checks `state` when the
 * browser returns, writes the code with `saveConsentCode`, and starts `oauthConsentWorkflow` with the id of
 * the row. Codes and verifiers are encrypted here and never leave the database and the worker's memory. The
 * result for people is in `result`. Rows are deleted after an hour (db/retention).
 */
import { createHash } from 'node:crypto';
import { type Selectable, sql } from 'kysely';
import type { JsonObject } from '../../../domain/json';
import type { TenantWork } from '../../database';
import type { Encryption } from '../../platform/encryption';
import { newUuid } from '../../sql/ids';
import { sanitizeForPostgres } from '../../sql/sanitize-text';
import type { ConsentResult, OAuthConsentsTable } from '../../tables/oauth';

export type OAuthConsent = Selectable<OAuthConsentsTable>;

export interface NewConsent {
  integrationId: string;
  /** The `state` parameter; only its hash is stored. */
  state: string;
  /** The PKCE verifier (RFC 7636): 43 to 128 characters. */
  verifier: string;
  redirectUri: string;
  /** `config.auth` of the integration. The code is refused if it is another one meanwhile. */
  auth: JsonObject;
  /** The links of the integration do not belong to another account, so by default it is refused. */
  mayChangeAccount: boolean;
  createdBy: string;
  expiresAt: Date;
}

interface ConsentKey {
  consentId: string;
}

const locationOf = (consentId: string, column: 'verifier' | 'code') => ({
  table: 'oauth_consents',
  rowId: consentId,
  column,
});

export const hashOfState = (state: string): Buffer => createHash('sha256').update(state).digest();

/** @returns the id of the consent. */
export async function createConsent(
  work: TenantWork,
  encryption: Encryption,
  { state, verifier, auth, ...consent }: NewConsent,
): Promise<string> {
  const { trx, tenantId, now } = work;
  const consentId = newUuid();
  await trx
    .insertInto('oauthConsents')
    .values({
      tenantId,
      oauthConsentId: consentId,
      ...consent,
      stateHash: hashOfState(state),
      verifier: await encryption.encrypt(work, locationOf(consentId, 'verifier'), verifier),
      auth: JSON.stringify(auth),
      createdAt: now,
    })
    .execute();
  return consentId;
}

export async function findConsent(
  { trx, tenantId }: TenantWork,
  { consentId }: ConsentKey,
): Promise<OAuthConsent | undefined> {
  return trx
    .selectFrom('oauthConsents')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('oauthConsentId', '=', consentId)
    .executeTakeFirst();
}

/** What the provider did not grant; known as long as the row of the consent is kept. */
export async function findMissingScopes(
  work: TenantWork,
  { oauthConsentId: consentId }: { oauthConsentId: string | null },
): Promise<string[]> {
  if (consentId === null) return [];
  return (await findConsent(work, { consentId }))?.result?.missing_scopes ?? [];
}

/** @returns false if a code was stored before, the consent has expired, or it does not exist. */
export async function saveConsentCode(
  work: TenantWork,
  encryption: Encryption,
  { consentId, code, iss }: ConsentKey & { code: string; iss: string | null },
): Promise<boolean> {
  const { trx, tenantId, now } = work;
  const { numUpdatedRows } = await trx
    .updateTable('oauthConsents')
    .set({
      code: await encryption.encrypt(work, locationOf(consentId, 'code'), code),
      iss: sanitizeForPostgres(iss),
    })
    .where('tenantId', '=', tenantId)
    .where('oauthConsentId', '=', consentId)
    .where('code', 'is', null)
    .where('usedAt', 'is', null)
    .where('expiresAt', '>', now)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

export interface SpentConsent {
  consent: OAuthConsent;
  code: string;
  verifier: string;
}

/**
 * Takes the code, which nobody gets a second time: a provider may revoke everything when it sees a code again
 * (RFC 6749 4.1.2). @returns undefined if there is no code, it was taken before, or it has expired.
 */
export async function spendConsent(
  work: TenantWork,
  encryption: Encryption,
  { consentId }: ConsentKey,
): Promise<SpentConsent | undefined> {
  const { trx, tenantId, now } = work;
  const found = await trx
    .selectFrom('oauthConsents')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('oauthConsentId', '=', consentId)
    .where('usedAt', 'is', null)
    .where('expiresAt', '>', now)
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (found === undefined || found.code === null) return undefined;
  const [code, verifier] = [
    await encryption.open(work, locationOf(consentId, 'code'), found.code),
    await encryption.open(work, locationOf(consentId, 'verifier'), found.verifier),
  ];
  await trx
    .updateTable('oauthConsents')
    .set({ usedAt: now, code: null })
    .where('tenantId', '=', tenantId)
    .where('oauthConsentId', '=', consentId)
    .execute();
  return { consent: found, code, verifier };
}

/** The first result stays. */
export async function saveConsentResult(
  { trx, tenantId }: TenantWork,
  { consentId, result }: ConsentKey & { result: ConsentResult },
): Promise<void> {
  await trx
    .updateTable('oauthConsents')
    .set({ result: JSON.stringify(sanitizeForPostgres({ ...result })) })
    .where('tenantId', '=', tenantId)
    .where('oauthConsentId', '=', consentId)
    .where('result', 'is', null)
    .execute();
}

/** The account that the person has picked among those of the result. The first one stays. */
export async function saveConsentAccount(
  { trx, tenantId }: TenantWork,
  { consentId, accountId, accountName }: ConsentKey & { accountId: string; accountName: string | null },
): Promise<void> {
  const picked = JSON.stringify(sanitizeForPostgres({ account_id: accountId, account_name: accountName }));
  await trx
    .updateTable('oauthConsents')
    .set({ result: sql`result || ${picked}::jsonb` })
    .where('tenantId', '=', tenantId)
    .where('oauthConsentId', '=', consentId)
    .where(sql<boolean>`result ->> 'account_id' is null`)
    .execute();
}
