/** Cancels the webhook subscriptions of an integration, before it is deleted with its credentials. */
import type { EndSubscriptionInput, EndSubscriptionResult } from '../../contract/webhook-subscription';
import { endSubscriptionActivities } from '../activities';

export async function endSubscriptionWorkflow(input: EndSubscriptionInput): Promise<EndSubscriptionResult> {
  return endSubscriptionActivities(input.tenantId).endSubscription(input);
}
