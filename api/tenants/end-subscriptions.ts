/** Cancels the webhook subscriptions of a tenant that will be deleted, while there are credentials. */
import type { EndedSubscriptions } from '../../db/erasures/tenant-deletions';
import { countSubscribed, listSubscribed } from '../../db/integrations/incoming/incoming-addresses';
import type { TenantWork } from '../../db/database';
import { HttpError } from '../http/http-error';
import type { TenantContext } from '../routing/context';

/** Each takes a slot of a worker. */
const AT_ONCE = 8;
/** An operator waits: none is begun later. What is left ends by itself, or an admin of the app removes it. */
const BEGIN_WITHIN_MS = 20_000;

/** @returns what waits for the apps, outside of any transaction, and then counts what is left */
export async function endSubscriptions(
  work: TenantWork,
  { services }: TenantContext,
): Promise<() => Promise<(later: TenantWork) => Promise<EndedSubscriptions>>> {
  const { tenantId } = work;
  const waiting = await listSubscribed(work);
  return async () => {
    const endsAt = performance.now() + BEGIN_WITHIN_MS;
    let canceled = 0;
    const cancelNext = async (): Promise<void> => {
      for (;;) {
        const integrationId = performance.now() < endsAt ? waiting.shift() : undefined;
        if (integrationId === undefined) return;
        try {
          const { outcome } = await services.temporal.endSubscription({ tenantId, integrationId });
          if (outcome === 'canceled') canceled += 1;
        } catch (error) {
          if (!(error instanceof HttpError)) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, cancelNext));
    // A run may have subscribed again meanwhile.
    return async (later) => ({ canceled, left: await countSubscribed(later) });
  };
}
