/**
 * The live check of an integration, or of settings that are not stored yet: one cheap call, and what the
 * connector can verify about the configured record types. Its result and explanation are stored.
 */
import { Context } from '@temporalio/activity';
import { ConnectorError, RecordRejected, Unavailable } from '../../connectors/errors';
import { beforeAbort, type CheckProblem, probeRecordTypes, TimedOut } from '../../connectors/probe';
import { tryDefinition } from '../../connectors/tries/try-definition';
import type { CheckIntegrationInput, CheckIntegrationResult } from '../../contract/integration-check';
import type { TenantWork } from '../../db/database';
import { saveCheck } from '../../db/sync-runs/checks/save-check';
import { findIntegration } from '../../db/integrations/integrations';
import { forgetPause } from '../../db/records/probe-now';
import { findTrial, saveTrialResult } from '../../db/integrations/trials';
import type { CheckFailure } from '../../db/tables/integrations';
import type { TryPlan, TryResult } from '../../domain/third-parties/tries';
import { typeIdOf } from '../../domain/typeid';
import type { ActivityDependencies, IntegrationToOpen, OpenConnector } from '../dependencies';

export interface IntegrationCheckActivities {
  checkIntegration(input: CheckIntegrationInput): Promise<CheckIntegrationResult>;
}

type Dependencies = Pick<ActivityDependencies, 'database' | 'openConnector' | 'log'>;
export type CheckOutcome = { message: string; problems: CheckProblem[]; tried?: TryResult[] } & (
  | { ok: true; kind: null }
  | { ok: false; kind: CheckFailure }
);

/** The time limit of a check, because a user waits for it. The first run finds what was not checked. */
const CHECK_MS = 20_000;
/** What remains of a check behind its tries, to remove their test record. */
const CLEAN_UP_MS = 5_000;
const WELL = 'The third party answers and accepts the credentials.';

export const createIntegrationCheckActivities = (
  { database, openConnector, log }: Dependencies,
  checkMs = CHECK_MS,
): IntegrationCheckActivities => ({
  async checkIntegration(input) {
    const { tenantId, integrationId } = input;
    const found = await database.withTenant(tenantId, (work) => findSettings(work, input));
    if (found === undefined) return { ok: false, kind: 'not_found' };

    const within = (ms: number) =>
      AbortSignal.any([Context.current().cancellationSignal, AbortSignal.timeout(ms)]);
    const signal = within(checkMs);
    const open = () => openConnector(tenantId, found.settings, signal, 'manual');
    const onMistake = (error: unknown): void =>
      log.error({ err: error, integration_id: typeIdOf('int', integrationId) }, 'check failed');
    let tried: TryResult[] | undefined;
    const tries = async (plan: TryPlan): Promise<CheckProblem[]> => {
      const { attempt } = Context.current().info;
      const time = { triesMs: checkMs - CLEAN_UP_MS, cleanUpMs: CLEAN_UP_MS };
      tried = await tryDefinition(await open(), { plan, signal: within(time.triesMs), time, attempt });
      return [];
    };
    const { plan } = found;
    const outcome = await (plan === null
      ? tryConnection(open, signal, onMistake)
      : ask(() => tries(plan), onMistake));
    if (tried !== undefined) outcome.tried = tried;

    await database.withTenant(tenantId, (work) => saveOutcome(work, input, outcome));
    return outcome.ok ? { ok: true } : { ok: false, kind: outcome.kind };
  },
});

async function findSettings(
  work: TenantWork,
  { integrationId, trialId }: CheckIntegrationInput,
): Promise<{ settings: IntegrationToOpen; plan: TryPlan | null } | undefined> {
  // A person asks, perhaps with other credentials: the call finds out whether a rate limit still holds.
  await forgetPause(work, { integrationId });
  if (trialId === undefined) {
    const settings = await findIntegration(work, { integrationId });
    return settings && { settings, plan: null };
  }
  const trial = await findTrial(work, { trialId });
  if (trial === undefined) return undefined;
  // The cache of access tokens is keyed by this time. A trial must not use tokens of the stored credentials.
  const { createdAt: credentialsUpdatedAt, credentials: encryptedCredentials, tries: plan } = trial;
  return { settings: { ...trial, credentialsUpdatedAt, encryptedCredentials }, plan };
}

async function saveOutcome(
  work: TenantWork,
  { integrationId, trialId }: CheckIntegrationInput,
  outcome: CheckOutcome,
): Promise<void> {
  const check = { at: work.now.toISOString(), ...outcome };
  return trialId === undefined
    ? saveCheck(work, { integrationId, check })
    : saveTrialResult(work, { trialId, check });
}

/** Reports a refusal of the connector's check as a problem of the configured address. */
async function refusalOf(config: unknown, checking: Promise<void>): Promise<CheckProblem[] | undefined> {
  try {
    await checking;
    return undefined;
  } catch (error) {
    if (!(error instanceof RecordRejected || isUnreadableAnswer(error))) throw error;
    const pointer = 'base_url' in (config as object) ? '/config/base_url' : '/config';
    const code = error instanceof RecordRejected ? (error.errors[0]?.code ?? 'refused') : 'not_json';
    return [{ pointer, code, message: error.message, severity: 'refuse' }];
  }
}

/** A 2xx response that is not readable, such as a web page. Pushes treat it as an outage. */
function isUnreadableAnswer(error: unknown): error is Unavailable {
  return error instanceof Unavailable && error.status !== null && error.status >= 200 && error.status <= 299;
}

/**
 * One cheap call, and what the connector can verify about the record types; until `signal` aborts. Changes
 * nothing at the third party. @param onMistake as in `ask`
 */
export function tryConnection(
  open: () => Promise<OpenConnector>,
  signal: AbortSignal,
  onMistake: (error: unknown) => void,
): Promise<CheckOutcome> {
  return ask(async () => {
    const { connector, context } = await open();
    const refused = await beforeAbort(signal, refusalOf(context.config, connector.check(context)));
    return refused ?? probeRecordTypes({ connector, context, signal });
  }, onMistake);
}

/** @param onMistake called for errors that are not the third party's, which are faults of Syncline. */
async function ask(
  check: () => Promise<CheckProblem[]>,
  onMistake: (error: unknown) => void,
): Promise<CheckOutcome> {
  try {
    const problems = await check();
    const refusals = problems.filter(({ severity }) => severity === 'refuse');
    const words = (refusals.length > 0 ? refusals : problems).map(({ message }) => message);
    return refusals.length > 0
      ? { ok: false, kind: 'record_rejected', message: words.join(' '), problems }
      : { ok: true, kind: null, message: [WELL, ...words].join(' '), problems };
  } catch (error) {
    if (error instanceof ConnectorError) return failed(error.kind, error.message);
    if (error instanceof TimedOut)
      return failed('unavailable', 'The third party did not answer in time. The connection is not verified.');
    onMistake(error);
    return failed('internal', 'The check failed inside Syncline; the log of the worker says why.');
  }
}

const failed = (kind: CheckFailure, message: string): CheckOutcome => ({
  ok: false,
  kind,
  message,
  problems: [],
});
