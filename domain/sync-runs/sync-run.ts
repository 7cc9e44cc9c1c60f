/**
 * Sync runs and their jobs: their states, how a run's state follows from its jobs, and how a request is
 * combined with a run in progress (rules.md 28, 30, 33, 35).
 */

import { PRIORITIES } from '../work-priorities';

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
  'webhook',
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
/** `not_supported`: the connector cannot read this record type. The job counts as complete. */
export type JobState = (typeof JOB_STATES)[number];

/** `pushes`: a Sync Now waits for the pushes that it made due. */
export type JobWait = 'retry' | 'outage' | 'rate_limit' | 'permits' | 'paused' | 'pushes';

/** The scope of each kind. */
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
  webhook: 'modified',
};

/** Kinds that no person requested. Only these send SYNC_COMPLETE (rules.md 38). */
export const SCHEDULED_KINDS: readonly RunKind[] = ['onboarding', 'nightly', 'hourly'];
/** Kinds that also read fields and picklists (rules.md 28). */
const KINDS_WITH_METADATA: readonly RunKind[] = ['onboarding', 'hourly', 'nightly', 'full'];

/** A run stands for every request that it covers, whatever it reads. */
interface RunPurposes {
  kind: RunKind;
  standsFor: readonly RunKind[];
}

/** `isAwaited`: a person asked for the run or joined it, whatever it reads. */
type RunDemand = RunPurposes & { isAwaited: boolean };

/** A full pass that no person asked for is bulk work. */
const PRIORITY_OF: Readonly<Record<RunKind, number>> = {
  sync_now: PRIORITIES.person,
  incremental: PRIORITIES.person,
  last_day: PRIORITIES.person,
  sign_in: PRIORITIES.signIn,
  hourly: PRIORITIES.hourly,
  webhook: PRIORITIES.hourly,
  onboarding: PRIORITIES.bulk,
  full: PRIORITIES.bulk,
  nightly: PRIORITIES.nightly,
  drift_repair: PRIORITIES.nightly,
};

/** That of the most urgent request that the run stands for. */
export const priorityOfRun = ({ kind, standsFor, isAwaited }: RunDemand): number =>
  isAwaited ? PRIORITIES.person : Math.min(...[kind, ...standsFor].map((each) => PRIORITY_OF[each]));

/** A person waits for it, a user who signs in included. */
export const isAwaitedRun = (run: RunDemand): boolean => priorityOfRun(run) <= PRIORITIES.signIn;

/** The scheduled kind that the run stands for; undefined if only people requested it. */
export const scheduledKindOf = ({ kind, standsFor }: RunPurposes): RunKind | undefined =>
  SCHEDULED_KINDS.find((scheduled) => scheduled === kind || standsFor.includes(scheduled));

/**
 * It reads only the records that webhooks have named. A worker of a former release lets other requests join
 * it; then it reads what was modified.
 */
export const readsNamedRecords = ({ kind, standsFor }: RunPurposes): boolean =>
  kind === 'webhook' && standsFor.every((purpose) => purpose === 'webhook');

export const readsMetadata = ({ kind, standsFor }: RunPurposes): boolean =>
  KINDS_WITH_METADATA.some((reading) => reading === kind || standsFor.includes(reading));

/** The interval at which a long run is reported as unfinished (rules.md 38). */
export const MILESTONE_MS = 12 * 3_600_000;
export const LAST_DAY_MS = 24 * 3_600_000;

const ENDED: readonly JobState[] = ['succeeded', 'failed', 'canceled', 'not_supported'];

export function isJobEnded(state: JobState): boolean {
  return ENDED.includes(state);
}

export function isRunEnded(state: RunState): boolean {
  return (
    state === 'succeeded' || state === 'partially_succeeded' || state === 'failed' || state === 'canceled'
  );
}

/**
 * Why the next incremental run reads again from where this one began (rules.md 51). `just_pushed`: records
 * were pushed while they were read, which is no defect of the run.
 */
export const WATERMARK_KEPT = ['held_back', 'just_pushed', 'list_changed'] as const;
export type WatermarkKept = (typeof WATERMARK_KEPT)[number];

export interface JobFacts {
  recordType: string;
  state: JobState;
  isLastAttemptFailed: boolean;
  recordsFailed: number;
  watermarkKept: WatermarkKept | null;
  recordsSkipped: number;
}

export interface RunSummary {
  state: RunState;
  /**
   * Counts final states. While the run is in progress, jobs whose last attempt failed also count as failed
   * (rules.md 38).
   */
  successfulJobs: number;
  failedJobs: number;
  isSyncFinished: boolean;
}

/**
 * Computes the state of a run from its jobs (rules.md 35). Without a finished job there is no success. The
 * run succeeded partially if a job failed beside one that succeeded, or if a job could not store some of its
 * records, held some back, or skipped reviewed changes.
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
  // Metadata alone is no success if the run had datasets to read.
  const datasets = jobs.filter(({ recordType }) => recordType !== '');
  if (succeeded === 0 || (datasets.length > 0 && datasets.every(({ state }) => state !== 'succeeded')))
    return { ...summary, state: 'failed' };
  const isWhole =
    failed === 0 &&
    jobs.every((job) => job.recordsFailed + job.recordsSkipped === 0 && job.watermarkKept !== 'held_back');
  return { ...summary, state: isWhole ? 'succeeded' : 'partially_succeeded' };
}

/** The requested scope of a run. */
export interface RunRequest {
  scope: RunScope;
  /** null = all record types that the integration pulls. */
  recordTypes: readonly string[] | null;
}

/**
 * A full run covers every other scope. `modified` and `last_day` do not cover each other: a watermark may be
 * older than a day or not.
 */
function coversScope(scope: RunScope, asked: RunScope): boolean {
  return scope === 'full' || scope === asked;
}

/** True if `asked` includes something that `other` does not read. */
export function isWider(asked: RunRequest, other: RunRequest): boolean {
  if (!coversScope(other.scope, asked.scope)) return true;
  if (other.recordTypes === null) return false;
  return asked.recordTypes === null || asked.recordTypes.some((type) => !other.recordTypes?.includes(type));
}

/** The smallest request that covers both. */
export function widest(a: RunRequest, b: RunRequest): RunRequest {
  const scope = coversScope(a.scope, b.scope) ? a.scope : coversScope(b.scope, a.scope) ? b.scope : 'full';
  const recordTypes =
    a.recordTypes === null || b.recordTypes === null
      ? null
      : [...new Set([...a.recordTypes, ...b.recordTypes])];
  return { scope, recordTypes };
}
