/**
 * The live check of an integration: one cheap call, and what the connector can verify about the configured
 * record types. Its result and explanation are stored on the integration.
 */
import { Context } from '@temporalio/activity';
import { ConnectorError } from '../../connectors/errors';
import { type CheckProblem, probeRecordTypes } from '../../connectors/probe';
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
type Outcome = { message: string; problems: CheckProblem[] } & (
  | { ok: true; kind: null }
  | { ok: false; kind: CheckFailure }
);

/** The API waits for the whole check; what is not probed by then shows in the first run. */
const PROBES_MS = 5_000;
const WELL = 'The third party answers and accepts the credentials.';

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

    const check = async (): Promise<CheckProblem[]> => {
      const { connector, context } = await openConnector(
        tenantId,
        integration,
        Context.current().cancellationSignal,
        'manual',
      );
      await connector.check(context);
      const until = performance.now() + PROBES_MS;
      return probeRecordTypes({ connector, context, isTimeLeft: () => performance.now() < until });
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
async function ask(
  check: () => Promise<CheckProblem[]>,
  onMistake: (error: unknown) => void,
): Promise<Outcome> {
  try {
    const problems = await check();
    const refusals = problems.filter(({ severity }) => severity === 'refuse');
    const words = (refusals.length > 0 ? refusals : problems).map(({ message }) => message);
    return refusals.length > 0
      ? { ok: false, kind: 'record_rejected', message: words.join(' '), problems }
      : { ok: true, kind: null, message: [WELL, ...words].join(' '), problems };
  } catch (error) {
    if (error instanceof ConnectorError)
      return { ok: false, kind: error.kind, message: error.message, problems: [] };
    onMistake(error);
    return {
      ok: false,
      kind: 'internal',
      message: 'The check failed inside Syncline; the log of the worker says why.',
      problems: [],
    };
  }
}
