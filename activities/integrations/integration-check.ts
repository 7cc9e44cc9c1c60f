/**
 * The live check of an integration: one cheap call, and what the connector can verify about the configured
 * record types. Its result and explanation are stored on the integration.
 */
import { Context } from '@temporalio/activity';
import { ConnectorError } from '../../connectors/errors';
import type { CheckIntegrationInput, CheckIntegrationResult } from '../../contract/integration-check';
import { saveCheck } from '../../db/integrations/availability';
import { findIntegration } from '../../db/integrations/integrations';
import type { CheckFailure } from '../../db/tables/integrations';
import { typeIdOf } from '../../domain/typeid';
import type { ActivityDependencies } from '../dependencies';

export interface IntegrationCheckActivities {
  checkIntegration(input: CheckIntegrationInput): Promise<CheckIntegrationResult>;
}

type Dependencies = Pick<ActivityDependencies, 'database' | 'openConnector' | 'log'>;
type Outcome = { ok: true; kind: null; message: string } | { ok: false; kind: CheckFailure; message: string };

export const createIntegrationCheckActivities = ({
  database,
  openConnector,
  log,
}: Dependencies): IntegrationCheckActivities => ({
  async checkIntegration({ tenantId, integrationId }) {
    const integration = await database.withTenant(tenantId, (work) =>
      findIntegration(work, { integrationId }),
    );
    if (integration === undefined) return { ok: false, kind: 'not_found' };

    const check = async (): Promise<void> => {
      const { connector, context } = await openConnector(
        tenantId,
        integration,
        Context.current().cancellationSignal,
        'manual',
      );
      await connector.check(context);
      await connector.checkRecordTypes?.(context);
    };
    const outcome = await ask(check, (error) =>
      log.error({ err: error, integration_id: typeIdOf('int', integrationId) }, 'check failed'),
    );

    await database.withTenant(tenantId, (work) =>
      saveCheck(work, { integrationId, check: { at: work.now.toISOString(), ...outcome } }),
    );
    return outcome.ok ? { ok: true } : { ok: false, kind: outcome.kind };
  },
});

/** @param onMistake called for errors that are not the third party's, which are faults of Syncline. */
async function ask(check: () => Promise<void>, onMistake: (error: unknown) => void): Promise<Outcome> {
  try {
    await check();
    return { ok: true, kind: null, message: 'The third party answers and accepts the credentials.' };
  } catch (error) {
    if (error instanceof ConnectorError) return { ok: false, kind: error.kind, message: error.message };
    onMistake(error);
    return {
      ok: false,
      kind: 'internal',
      message: 'The check failed inside Syncline; the log of the worker says why.',
    };
  }
}
