/**
 * Names and messages of the workflow that cancels the webhook subscriptions of an integration before it is
 * deleted. Permanent: running workflows carry them.
 */
import { typeIdOf } from '../domain/typeid';

export const END_SUBSCRIPTION_WORKFLOW = 'endSubscriptionWorkflow';

export interface EndSubscriptionInput {
  tenantId: string;
  integrationId: string;
}

export interface EndSubscriptionResult {
  /** `stays`: the app did not cancel it. It ends by itself, or an admin of the app removes it. */
  outcome: 'canceled' | 'stays';
}

export const endSubscriptionWorkflowId = ({
  integrationId,
}: Pick<EndSubscriptionInput, 'integrationId'>): string =>
  `end-subscription:${typeIdOf('int', integrationId)}`;
