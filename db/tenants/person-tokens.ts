/**
 * One-time tokens that let a person choose a password; only hashes are stored. A new token ends the person's
 * earlier ones.
 */
import { newUuid } from '../sql/ids';
import type { TenantWork, Work } from '../database';
import type { PersonTokenKind } from '../tables/tenants';

export interface NewPersonToken {
  personId: string;
  kind: PersonTokenKind;
  /** SHA-256 of the token. */
  tokenHash: Buffer;
  createdBy: string;
  expiresAt: Date;
}

export async function createPersonToken(work: TenantWork, token: NewPersonToken): Promise<void> {
  const { trx, tenantId, now } = work;
  await endPersonTokens(work, token);
  await trx
    .insertInto('personTokens')
    .values({ ...token, tenantId, personTokenId: newUuid(), createdAt: now, usedAt: null })
    .execute();
}

/** Ends the tokens that were not used. */
export async function endPersonTokens(
  { trx, tenantId, now }: TenantWork,
  { personId }: { personId: string },
): Promise<void> {
  await trx
    .updateTable('personTokens')
    .set({ expiresAt: now })
    .where('tenantId', '=', tenantId)
    .where('personId', '=', personId)
    .where('usedAt', 'is', null)
    .where('expiresAt', '>', now)
    .execute();
}

export interface PresentedToken {
  tenantId: string;
  personId: string;
  personTokenId: string;
}

/**
 * Undefined if the token is unknown, used or expired, or if its person is disabled. Needs the platform role.
 */
export async function findPersonToken(
  { trx, now }: Work,
  { tokenHash }: { tokenHash: Buffer },
): Promise<PresentedToken | undefined> {
  return trx
    .selectFrom('personTokens as token')
    .innerJoin('people as person', (join) =>
      join.onRef('person.tenantId', '=', 'token.tenantId').onRef('person.personId', '=', 'token.personId'),
    )
    .select(['token.tenantId', 'token.personId', 'token.personTokenId'])
    .where('token.tokenHash', '=', tokenHash)
    .where('token.usedAt', 'is', null)
    .where('token.expiresAt', '>', now)
    .where('person.disabledAt', 'is', null)
    .executeTakeFirst();
}

/**
 * One UPDATE decides between concurrent uses: false if the token was used first by another request, or has
 * expired.
 */
export async function usePersonToken(
  { trx, tenantId, now }: TenantWork,
  { personTokenId }: { personTokenId: string },
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('personTokens')
    .set({ usedAt: now })
    .where('tenantId', '=', tenantId)
    .where('personTokenId', '=', personTokenId)
    .where('usedAt', 'is', null)
    .where('expiresAt', '>', now)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}
