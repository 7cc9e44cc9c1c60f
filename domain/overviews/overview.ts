/** Sync Overview: what a snapshot is, how long it holds, and why it no longer does (rules.md 19 to 23). */
import type { SyncDirection } from '../records/mapping-directions';

export const OVERVIEW_STATES = ['queued', 'running', 'ready', 'failed', 'canceled'] as const;
export type OverviewState = (typeof OVERVIEW_STATES)[number];

export const OVERVIEW_JOB_STATES = [
  'queued',
  'running',
  'waiting',
  'succeeded',
  'failed',
  'not_supported',
] as const;
export type OverviewJobState = (typeof OVERVIEW_JOB_STATES)[number];

export const OVERVIEW_ACTIONS = ['create', 'update', 'delete', 'not_possible'] as const;
export type OverviewAction = (typeof OVERVIEW_ACTIONS)[number];

export const OPERATION_KINDS = ['overview', 'sync_now'] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

export const OVERVIEW_INVALIDITIES = [
  'superseded_by_new_overview',
  'superseded_by_other_admin',
  'superseded_by_sync',
  'applied',
  'expired',
  'integration_deleted',
] as const;
export type OverviewInvalidity = (typeof OVERVIEW_INVALIDITIES)[number];

export const OVERVIEW_VALID_MS = 7 * 86_400_000;
/** An overview fails once its third party has been unreadable for this long. */
export const OVERVIEW_GIVE_UP_MS = 15 * 60_000;
/** The words of the requirement; the reason follows them. */
export const NO_LONGER_VALID = 'Sync Overview data no longer valid';

/** Why an overview is no longer valid, and what to do next. */
export const INVALIDITY_TEXTS: Readonly<Record<OverviewInvalidity, string>> = {
  superseded_by_new_overview: 'You requested a newer Sync Overview. Open that one.',
  superseded_by_other_admin:
    'Another user or API key requested a newer Sync Overview. Open that one, or request a new one.',
  superseded_by_sync: 'A Sync Now has run since. Open its Sync Log, or request a new Sync Overview.',
  applied: 'It was applied. Open its Sync Log.',
  expired: 'It was made more than 7 days ago. Request a new Sync Overview.',
  integration_deleted: 'Its integration was removed.',
};

export function supersededBy(
  newer: { personId: string | null; requestedBy: string },
  older: { personId: string | null; requestedBy: string },
): OverviewInvalidity {
  const isSame =
    newer.personId === null && older.personId === null
      ? newer.requestedBy === older.requestedBy
      : newer.personId === older.personId;
  return isSame ? 'superseded_by_new_overview' : 'superseded_by_other_admin';
}

const PUSH_JOB = 'push:';
const VERIFY_JOB = 'verify:';

export type JobDirection = SyncDirection | 'verify';

/**
 * A run's jobs are named by their record type; one that pushes by that with a word before it, which no record
 * type can begin with.
 */
export function pushJobOf(recordType: string): string {
  return PUSH_JOB + recordType;
}

/** A job that compares what was pushed with what the third party holds (rules.md 54). */
export function verifyJobOf(recordType: string): string {
  return VERIFY_JOB + recordType;
}

export function directionOfJob(job: string): { recordType: string; direction: JobDirection } {
  if (job.startsWith(VERIFY_JOB)) return { recordType: job.slice(VERIFY_JOB.length), direction: 'verify' };
  return job.startsWith(PUSH_JOB)
    ? { recordType: job.slice(PUSH_JOB.length), direction: 'push' }
    : { recordType: job, direction: 'pull' };
}
