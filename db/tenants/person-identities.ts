/** Identities of people at OpenID providers. A person has at most one identity of each issuer. */
import type { TenantWork, Work } from '../database';
import type { SignInCandidate } from './people';

export interface ProviderIdentity {
  issuer: string;
  subject: string;
}

/** Needs the platform role. */
export async function findPersonByIdentity(
  { trx }: Work,
  { issuer, subject }: ProviderIdentity,
): Promise<SignInCandidate | undefined> {
  return trx
    .selectFrom('personIdentities as identity')
    .innerJoin('people as person', (join) =>
      join
        .onRef('person.tenantId', '=', 'identity.tenantId')
        .onRef('person.personId', '=', 'identity.personId'),
    )
    .select([
      'person.tenantId',
      'person.personId',
      'person.name',
      'person.email',
      'person.role',
      'person.passwordHash',
      'person.disabledAt',
    ])
    .where('identity.issuer', '=', issuer)
    .where('identity.subject', '=', subject)
    .executeTakeFirst();
}

/**
 * `refused`: the person has another identity of this issuer, or the identity is another person's. `known`:
 * two first sign-ins came at the same moment.
 */
export async function linkIdentity(
  { trx, tenantId, now }: TenantWork,
  { personId, issuer, subject }: ProviderIdentity & { personId: string },
): Promise<'linked' | 'known' | 'refused'> {
  const identity = { tenantId, personId, issuer, subject };
  const { numInsertedOrUpdatedRows = 0n } = await trx
    .insertInto('personIdentities')
    .values({ ...identity, linkedAt: now })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows > 0n) return 'linked';
  const known = await trx
    .selectFrom('personIdentities')
    .select('linkedAt')
    .where((eb) => eb.and(identity))
    .executeTakeFirst();
  return known === undefined ? 'refused' : 'known';
}

/** Releases every identity of the person. */
export async function releaseIdentities(
  { trx, tenantId }: TenantWork,
  { personId }: { personId: string },
): Promise<void> {
  await trx
    .deleteFrom('personIdentities')
    .where('tenantId', '=', tenantId)
    .where('personId', '=', personId)
    .execute();
}
