/** A person has ended the waits of an integration: its retries become due, in chunks (rules.md 11). */
import type { Integration } from '../../db/integrations/integrations';
import { liftRetries } from '../../db/integrations/lift-waits';
import type { TenantWork } from '../../db/database';

/** @returns true if there may be more chunks. */
export async function continueLift(
  inTenant: <T>(work: (work: TenantWork) => Promise<T>) => Promise<T>,
  { integrationId, liftRetriesAfter }: Pick<Integration, 'integrationId' | 'liftRetriesAfter'>,
  { now, limit }: { now: Date; limit: number },
): Promise<boolean> {
  if (liftRetriesAfter === null) return false;
  return inTenant((work) => liftRetries(work, { integrationId, now, limit }));
}
