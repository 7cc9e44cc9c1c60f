/**
 * What a failed attempt means for a sync job, as a table from kinds of errors to actions (rules.md 10, 11,
 * 35). Failures of the third party as a whole are stored on the integration; a failure of this dataset alone
 * is retried, or ends the job if a retry is pointless.
 */
import { ConnectorError, RateLimited, RecordRejected, Unauthorized } from '../../connectors/errors';
import type { SyncJobReport } from '../../contract/sync-run';
import { findIntegration, type Integration } from '../../db/integrations/integrations';
import { isDatabaseAway, ownFailure } from '../../db/sql/database-away';
import { rateLimitDelayMs } from '../../domain/retry';
import type { ActivityLog, OpenConnector } from '../dependencies';
import { toSyncErrors } from '../integrations/connector-failures';
import { RateLimitExhausted } from '../integrations/rate-limited-http';
import { askThirdParty, stateAfter } from '../integrations/third-party-health';
import type { TimeBox } from '../time-box';
import { DatasetFailed } from '../pull/dataset-failed';
import type { JobTransitions } from './job-transitions';

export interface FailedAttempt {
  job: JobTransitions;
  /** The state of the job when the attempt started. */
  integration: Integration;
  recordType: string;
  timeBox: TimeBox;
  log: ActivityLog;
  open(): Promise<OpenConnector>;
}

type Action<E> = (error: E, attempt: FailedAttempt) => Promise<SyncJobReport>;
type Row = { applies(error: unknown): boolean; act: Action<never> };

// The type parameter is the type of the instances, which `instanceof` recognizes.
const row = <E>(kind: abstract new (...parameters: never[]) => E, act: Action<E>): Row => ({
  applies: (error) => error instanceof kind,
  act,
});

/** The first row that applies decides, so a class comes before the class that it extends. */
const ACTIONS: readonly Row[] = [
  row(DatasetFailed, ({ syncError }, { job }) => job.fail(syncError)),
  row(RateLimitExhausted, ({ retryAt }, { job }) => job.wait('permits', retryAt)),
  row(RateLimited, waitForRateLimit),
  row(Unauthorized, failUnauthorized),
  row(RecordRejected, (error, attempt) =>
    error.isForbidden ? checkThirdParty(error, attempt) : attempt.job.fail(syncErrorOf(error)),
  ),
  row(ConnectorError, checkThirdParty),
];

/** A connector may have wrapped a failure of Syncline's own database. */
export async function afterFailure(thrown: unknown, attempt: FailedAttempt): Promise<SyncJobReport> {
  const error = ownFailure(thrown) ?? thrown;
  const found = ACTIONS.find(({ applies }) => applies(error));
  return found === undefined ? retryInternal(error, attempt) : found.act(error as never, attempt);
}

async function waitForRateLimit(
  error: RateLimited,
  { job, integration, timeBox }: FailedAttempt,
): Promise<SyncJobReport> {
  const until = timeBox.after(rateLimitDelayMs(error.retryAfterMs));
  await job.saveThirdPartyState(stateAfter(error), integration);
  return job.waitUnlessGivenUp('rate_limit', until, syncErrorOf(error));
}

async function failUnauthorized(error: Unauthorized, attempt: FailedAttempt): Promise<SyncJobReport> {
  if (await hasNewCredentials(attempt)) return { state: 'more' };
  await attempt.job.saveThirdPartyState(stateAfter(error), attempt.integration);
  return attempt.job.fail(syncErrorOf(error));
}

/** The connector's `check` decides whether this dataset or the third party as a whole fails. */
async function checkThirdParty(error: ConnectorError, attempt: FailedAttempt): Promise<SyncJobReport> {
  const { job, integration } = attempt;
  const state = await askThirdParty(() => attempt.open());
  if (state.kind === 'unauthorized' && (await hasNewCredentials(attempt))) return { state: 'more' };
  if (state.kind !== 'well') await job.saveThirdPartyState(state, integration);
  return state.kind === 'unauthorized' || error instanceof RecordRejected
    ? job.fail(syncErrorOf(error))
    : job.retry(syncErrorOf(error), state);
}

async function retryInternal(
  error: unknown,
  { job, log, recordType }: FailedAttempt,
): Promise<SyncJobReport> {
  // An unreachable database is no failure of the dataset: Temporal repeats the whole activity.
  if (isDatabaseAway(error)) throw error;
  log.error({ err: error, record_type: recordType }, 'sync job failed with an internal error');
  return job.retryInternal(error);
}

/** Credentials that were replaced during the attempt may work, although the old ones were rejected. */
async function hasNewCredentials({ job, integration }: FailedAttempt): Promise<boolean> {
  const current = await job.inTenant((work) => findIntegration(work, integration));
  return (
    current !== undefined &&
    current.credentialsUpdatedAt?.getTime() !== integration.credentialsUpdatedAt?.getTime()
  );
}

const syncErrorOf = (error: ConnectorError) => toSyncErrors(error)[0] ?? null;
