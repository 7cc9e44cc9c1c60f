/** The authenticated caller of a request. */
import type { ApiKeyRole } from '../../db/tables/tenants';

export interface PlatformCaller {
  kind: 'platform';
  actor: 'platform';
  /** The id of the operator's session in the console (`ses_…`); null for the platform key itself. */
  sessionId: string | null;
}

export interface TenantCaller {
  kind: 'tenant';
  tenantId: string;
  /** Null for a user who is signed in to the console. */
  apiKeyId: string | null;
  /** The signed-in user, or the person a key acts for; null for a program that acts for itself. */
  personId: string | null;
  role: ApiKeyRole;
  /** The key acts for a person of a higher role: see `ownPersonIdOf`. */
  isBelowPerson?: boolean;
  /** `key:<name>` or `person:<name>`: the caller's name in the push log and the audit log. */
  actor: string;
  /** The public part of the key, or the id of the session; rate limits count by it. */
  publicId: string;
}

export type Caller = PlatformCaller | TenantCaller;

/**
 * The person whose notifications and personal settings the caller may change. Viewing a notification prevents
 * its e-mail, so a key of a lower role cannot do it for an admin. Null if there is no such person.
 */
export const ownPersonIdOf = (caller: Caller): string | null =>
  caller.kind === 'tenant' && caller.isBelowPerson !== true ? caller.personId : null;
