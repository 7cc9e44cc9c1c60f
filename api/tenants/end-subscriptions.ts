/** Cancels the webhook subscriptions of a tenant before it is deleted, while its credentials still exist. */
import type { EndedSubscriptions } from '../../db/erasures/tenant-deletions';
import { countSubscribed, listSubscribed } from '../../db/integrations/incoming/incoming-addresses';
import type { TenantWork } from '../../db/database';
import { HttpError } from '../http/http-error';
import type { EndSubscriptionInput, EndSubscriptionResult } from '../../contract/webhook-subscription';
import type { TenantContext } from '../routing/context';

/** Integrations at the same time. Each takes a slot of a worker. */
const AT_ONCE = 8;
/** No call is begun later, because an operator waits. A call in progress may take up to 28 s more. */
const BEGIN_WITHIN_MS = 20_000;

/**
 * Lists the integrations. @returns a function for outside of any transaction, which cancels and waits. Its
 * result counts, in a second transaction, what is left.
 */
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
        if ((await endSubscription(services, { tenantId, integrationId })) === 'canceled') canceled += 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, cancelNext));
    // A run may have subscribed again meanwhile.
    return async (later) => ({ canceled, left: await countSubscribed(later) });
  };
}

/** Of one integration. `stays` also if no worker answered in time. */
export async function endSubscription(
  { temporal }: TenantContext['services'],
  input: EndSubscriptionInput,
): Promise<EndSubscriptionResult['outcome']> {
  try {
    return (await temporal.endSubscription(input)).outcome;
  } catch (error) {
    if (error instanceof HttpError) return 'stays';
    throw error;
  }
}
