/** Routes that need a user who is signed in to the console. */
import { HttpError } from '../http/http-error';
import type { Caller, TenantCaller } from '../routing/caller';

export function requireSignedIn(caller: Caller | null): TenantCaller & { personId: string } {
  if (caller?.kind !== 'tenant' || caller.personId === null) throw new HttpError('not_signed_in');
  return { ...caller, personId: caller.personId };
}
