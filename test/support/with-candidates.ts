/** Applies a page as the worker does: what it matches by a field is stored first, if the page needs it. */
import type { TenantWork } from '../../db/database';
import { CandidatesMissing, saveCandidates } from '../../db/pull/page-stages/match-candidates';

type InTenant = <T>(work: (context: TenantWork) => Promise<T>) => Promise<T>;

export async function withCandidates<T>(
  inTenant: InTenant,
  apply: (work: TenantWork) => Promise<T>,
): Promise<T> {
  try {
    return await inTenant(apply);
  } catch (error) {
    if (!(error instanceof CandidatesMissing)) throw error;
    await saveCandidates(inTenant, error.candidates, { isOpen: async () => true });
    return inTenant(apply);
  }
}
