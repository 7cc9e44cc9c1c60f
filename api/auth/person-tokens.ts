/**
 * One-time links with which a person sets a password. The token has 256 random bits; only its hash is stored.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { TenantWork } from '../../db/database';
import { createPersonToken } from '../../db/tenants/person-tokens';
import type { PersonTokenKind } from '../../db/tables/tenants';

const DAY_MS = 86_400_000;
const VALID_FOR_MS: Readonly<Record<PersonTokenKind, number>> = {
  first_admin: 7 * DAY_MS,
  invitation: 7 * DAY_MS,
  password_reset: DAY_MS,
};

export const hashOfToken = (token: string): Buffer => createHash('sha256').update(token).digest();

export interface PersonLink {
  token: string;
  /**
   * The page of the console. The token follows `#`, so browsers send it to no server and to no other site.
   */
  link: string;
  expiresAt: Date;
}

/** Invalidates earlier links of the person. */
export async function makePersonLink(
  work: TenantWork,
  {
    personId,
    kind,
    createdBy,
    publicUrl,
  }: { personId: string; kind: PersonTokenKind; createdBy: string; publicUrl: string },
): Promise<PersonLink> {
  const token = randomBytes(32).toString('base64url');
  const expiresAt = new Date(work.now.getTime() + VALID_FOR_MS[kind]);
  await createPersonToken(work, { personId, kind, tokenHash: hashOfToken(token), createdBy, expiresAt });
  return { token, link: `${publicUrl}/console/password#token=${token}`, expiresAt };
}
