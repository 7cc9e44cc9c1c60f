/**
 * Sign-in with an identity provider. The first sign-in finds the person by the verified address and links
 * the identity (issuer and subject). Later ones find the person by the identity only: an address may change
 * hands.
 */
import { appendAuditEntry } from '../../db/platform/audit-log';
import { toTypeId } from '../../db/sql/ids';
import { findPersonByEmail, type SignInCandidate } from '../../db/tenants/people';
import { findPersonByIdentity, linkIdentity } from '../../db/tenants/person-identities';
import type { ConsoleContext } from '../routing/context';
import type { ProvenIdentity } from './oidc';
import { recordFailure, type SignInDependencies, startSession } from './sign-in';

/** `other_identity`: the person with this address is linked to another identity of the provider. */
type Outcome = 'signed_in' | 'sign_in_failed' | 'other_identity';

export async function signInByProvider(
  dependencies: SignInDependencies,
  identity: ProvenIdentity,
  context: ConsoleContext,
): Promise<Outcome> {
  const { email, issuer, subject } = identity;
  const { linked, addressed } = await dependencies.database.withPlatform(async (work) => ({
    linked: await findPersonByIdentity(work, identity),
    addressed: email === undefined ? undefined : await findPersonByEmail(work, { email }),
  }));
  const candidate = linked ?? addressed;
  if (candidate !== undefined && candidate.disabledAt === null) {
    if (linked === undefined && !(await link(dependencies, candidate, identity, context))) {
      void recordFailure(dependencies, candidate, 'oidc', context, {
        reason: 'other_identity',
        issuer,
        subject,
      });
      return 'other_identity';
    }
    if (await startSession(dependencies, candidate, 'oidc', context)) return 'signed_in';
  }
  void recordFailure(dependencies, candidate, 'oidc', context);
  return 'sign_in_failed';
}

/** False if the person has another identity of this provider. */
async function link(
  { database }: SignInDependencies,
  { tenantId, personId, name }: SignInCandidate,
  { issuer, subject }: ProvenIdentity,
  { ip, requestId }: ConsoleContext,
): Promise<boolean> {
  return database.withTenant(tenantId, async (work) => {
    const outcome = await linkIdentity(work, { personId, issuer, subject });
    if (outcome === 'linked')
      await appendAuditEntry(work, {
        actor: `person:${name}`,
        action: 'person.identity_linked',
        target: toTypeId('psn', personId),
        detail: { issuer, subject },
        ip,
        requestId,
      });
    return outcome !== 'refused';
  });
}
