/** The live check of an integration: one cheap call, an answer in words. */
import { Context } from '@temporalio/activity';
import { ConnectorError } from '../connectors/errors';
import type { CheckIntegrationInput, CheckIntegrationResult } from '../contract/integration-check';
import { findIntegration } from '../db/integrations';
import type { ActivityDependencies } from './dependencies';

export interface IntegrationCheckActivities {
  checkIntegration(input: CheckIntegrationInput): Promise<CheckIntegrationResult>;
}

type Dependencies = Pick<ActivityDependencies, 'database' | 'openConnector' | 'log'>;

export const createIntegrationCheckActivities = ({ database, openConnector, log }: Dependencies): IntegrationCheckActivities => ({
  async checkIntegration({ tenantId, integrationId }) {
    const integration = await database.withTenant(tenantId, (work) => findIntegration(work, { integrationId }));
    if (integration === undefined) return { ok: false, kind: 'not_found', message: 'There is no such integration.' };
    try {
      const { connector, context } = await openConnector(tenantId, integration, Context.current().cancellationSignal);
      await connector.check(context);
      return { ok: true };
    } catch (error) {
      if (error instanceof ConnectorError) return { ok: false, kind: error.kind, message: error.message };
      log.error({ err: error, integrationId }, 'check failed');
      return { ok: false, kind: 'internal', message: 'The check failed inside Syncline; the log says why.' };
    }
  },
});
