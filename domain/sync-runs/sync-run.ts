/**
 * Sync runs and their jobs: states, what a run's state follows from, and what becomes of a request while a run is at work
 * (rules.md 28, 30, 33, 35).
 */

export const RUN_KINDS = [
  'onboarding',
  'hourly',
  'nightly',
  'sign_in',
  'last_day',
  'incremental',
  'full',
  'drift_repair',
  'sync_now',
] as const;
export type RunKind = (typeof RUN_KINDS)[number];

export const RUN_SCOPES = ['modified', 'last_day', 'full'] as const;
/** How much of each dataset is read: what changed since the watermark, in the last 24 hours, everything. */
export type RunScope = (typeof RUN_SCOPES)[number];

export const RUN_STATES = [
  'queued',
  'running',
  'waiting',
  'succeeded',
  'partially_succeeded',
  'failed',
  'canceled',
] as const;
export type RunState = (typeof RUN_STATES)[number];

export const JOB_STATES = [
  'queued',
  'running',
  'waiting',
  'succeeded',
  'failed',
  'canceled',
  'not_supported',
] as const;
/** `not_supported`: the connector cannot read this record type; complete all the same. */
export type JobState = (typeof JOB_STATES)[number];

/** `pushes`: what a Sync Now made due has not ended yet. */
export type JobWait = 'retry' | 'outage' | 'rate_limit' | 'permits' | 'paused' | 'pushes';

/** What each kind reads. */
export const SCOPE_OF: Readonly<Record<RunKind, RunScope>> = {
  onboarding: 'full',
  hourly: 'modified',
  nightly: 'full',
  sign_in: 'modified',
  last_day: 'last_day',
  incremental: 'modified',
  full: 'full',
  drift_repair: 'full',
  sync_now: 'full',
};

/** A scheduled run is one that nobody asked for at that moment: only those send SYNC_COMPLETE (rules.md 38). */
export const SCHEDULED_KINDS: readonly RunKind[] = ['onboarding', 'hourly', 'nightly'];

/** A run that goes on longer than this is reported as unfinished, again after each such time (rules.md 38). */
export const MILESTONE_MS = 12 * 3_600_000;
export const LAST_DAY_MS = 24 * 3_600_000;
/** How far before its watermark an incremental run looks: what was written while the last run read may show up late. */
export const WATERMARK_OVERLAP_MS = 2 * 60_000;

const ENDED: readonly JobState[] = ['succeeded', 'failed', 'canceled', 'not_supported'];

export function isJobEnded(state: JobState): boolean {
  return ENDED.includes(state);
}

export function isRunEnded(state: RunState): boolean {
  return (
    state === 'succeeded' || state === 'partially_succeeded' || state === 'failed' || state === 'canceled'
  );
}

export interface JobFacts {
  recordType: string;
  state: JobState;
  isLastAttemptFailed: boolean;
  recordsFailed: number;
}

export interface RunSummary {
  state: RunState;
  /** Final states, except while the run goes on: then jobs whose last attempt failed count as failed (rules.md 38). */
  successfulJobs: number;
  failedJobs: number;
  isSyncFinished: boolean;
}

/**
 * The run as its jobs stand. No finished job, no success; one that succeeded in spite of records that could not be kept makes the
 * run partially succeeded, and so does a failed one beside one that succeeded (rules.md 35).
 */
export function summarizeRun(
  jobs: readonly JobFacts[],
  run: { isStarted: boolean; isCancelRequested: boolean },
): RunSummary {
  const count = (...states: JobState[]) => jobs.filter((job) => states.includes(job.state)).length;
  const succeeded = count('succeeded');
  const isFinished = jobs.length > 0 ? jobs.every((job) => isJobEnded(job.state)) : run.isStarted;
  const failed = jobs.filter(
    (job) => job.state === 'failed' || (!isJobEnded(job.state) && job.isLastAttemptFailed),
  ).length;
  const summary = { successfulJobs: succeeded, failedJobs: failed, isSyncFinished: isFinished };

  if (!run.isStarted && !isFinished) return { ...summary, state: 'queued' };
  if (!isFinished)
    return { ...summary, state: count('running') === 0 && count('waiting') > 0 ? 'waiting' : 'running' };
  if (count('canceled') > 0 || (run.isCancelRequested && (jobs.length === 0 || succeeded < jobs.length)))
    return { ...summary, state: 'canceled' };
  // Metadata alone is no success where there were datasets to read.
  const datasets = jobs.filter(({ recordType }) => recordType !== '');
  if (succeeded === 0 || (datasets.length > 0 && datasets.every(({ state }) => state !== 'succeeded')))
    return { ...summary, state: 'failed' };
  const isWhole = failed === 0 && jobs.every((job) => job.recordsFailed === 0);
  return { ...summary, state: isWhole ? 'succeeded' : 'partially_succeeded' };
}

/** What a run is asked to read. */
export interface RunRequest {
  scope: RunScope;
  /** null = all that the integration pulls. */
  recordTypes: readonly string[] | null;
}

/** A full run reads what any other reads. Of the other two none reads all that the other does: a watermark may be older than a day, or younger. */
function coversScope(scope: RunScope, asked: RunScope): boolean {
  return scope === 'full' || scope === asked;
}

/** True where `asked` wants something that `other` does not read. */
export function isWider(asked: RunRequest, other: RunRequest): boolean {
  if (!coversScope(other.scope, asked.scope)) return true;
  if (other.recordTypes === null) return false;
  return asked.recordTypes === null || asked.recordTypes.some((type) => !other.recordTypes?.includes(type));
}

/** What reads all that either of the two reads. */
export function widest(a: RunRequest, b: RunRequest): RunRequest {
  const scope = coversScope(a.scope, b.scope) ? a.scope : coversScope(b.scope, a.scope) ? b.scope : 'full';
  const recordTypes =
    a.recordTypes === null || b.recordTypes === null
      ? null
      : [...new Set([...a.recordTypes, ...b.recordTypes])];
  return { scope, recordTypes };
}
