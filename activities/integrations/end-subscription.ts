/** Cancels the webhook subscriptions of an integration that will be deleted, while a person waits for it. */
import { Context } from '@temporalio/activity';
import { ConnectorError } from '../../connectors/errors';
import type { EndSubscriptionInput, EndSubscriptionResult } from '../../contract/webhook-subscription';
import { findIntegration } from '../../db/integrations/integrations';
import { typeIdOf } from '../../domain/typeid';
import type { ActivityDependencies } from '../dependencies';
import { cancelSubscription } from './keep-subscription';

export interface EndSubscriptionActivities {
  endSubscription(input: EndSubscriptionInput): Promise<EndSubscriptionResult>;
}

type Dependencies = Pick<ActivityDependencies, 'database' | 'openConnector' | 'log' | 'oauth'>;

const CANCEL_MS = 15_000;

export const createEndSubscriptionActivities = ({
  database,
  openConnector,
  log,
  oauth,
}: Dependencies): EndSubscriptionActivities => ({
  async endSubscription({ tenantId, integrationId }) {
    const integration = await database.withTenant(tenantId, (work) =>
      findIntegration(work, { integrationId }),
    );
    if (integration === undefined) return { outcome: 'stays' };
    const signal = AbortSignal.any([Context.current().cancellationSignal, AbortSignal.timeout(CANCEL_MS)]);
    try {
      const opened = await openConnector(tenantId, integration, signal, 'manual');
      const { encryption } = oauth;
      const options = { database, encryption, log, tenantId, integration, opened };
      return { outcome: (await cancelSubscription(options)) ? 'canceled' : 'stays' };
    } catch (error) {
      // The message of the error may quote the address, which is a secret.
      const why = error instanceof ConnectorError ? error.kind : 'internal';
      log.warn({ integration_id: typeIdOf('int', integrationId), why }, 'a webhook subscription stays');
      return { outcome: 'stays' };
    }
  },
});
