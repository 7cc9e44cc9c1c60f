/**
 * Names and messages of the workflow that runs an integration's sync runs. Permanent: running workflows carry
 * them.
 */
import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { SyncJobRef } from '../domain/sync-runs/sync-job';
import type { JobWait } from '../domain/sync-runs/sync-run';
import { typeIdOf } from '../domain/typeid';

export const SYNC_RUN_WORKFLOW = 'syncRunWorkflow';

export interface SyncRunInput {
  tenantId: string;
  integrationId: string;
  /**
   * False if the cluster has not registered our search attributes: an unknown one would block the workflow.
   */
  hasSearchAttributes: boolean;
}

/** One workflow per integration, under the id that the API shows: `sync-run:int_…`. */
export function syncRunWorkflowId({ integrationId }: { integrationId: string }): string {
  return `sync-run:${typeIdOf('int', integrationId)}`;
}

/**
 * Something about this integration's runs has changed: a run was requested, canceled, paused or resumed.
 * The workflow then reads the rows again. Sending it twice is harmless.
 */
export const syncRunsChangedSignal = defineSignal('syncRunsChanged');

/** The run in progress, for operators and tests. */
export const syncRunQuery = defineQuery<SyncRunView>('syncRun');

export interface SyncRunView {
  /** null = no run is in progress. */
  syncRunId: string | null;
  jobs: { job: SyncJobRef; state: string }[];
}

export interface SyncRunKey {
  tenantId: string;
  integrationId: string;
}

/** The run to execute, with its unfinished jobs. */
export interface StartedSyncRun {
  syncRunId: string;
  kind: string;
  jobs: SyncJobRef[];
  /** Milliseconds since 1970. */
  startedAt: number;
  /** Of its activities (rule 59). Workers of a former version report none. */
  priorityKey?: number;
}

export interface AdvanceSyncJobInput extends SyncRunKey {
  syncRunId: string;
  job: SyncJobRef;
  /** Workflow time, in milliseconds since 1970. */
  firedAt: number;
  /** The list may be divided into ranges, which are read at the same time. */
  divides?: boolean;
  /** Reads only this range. */
  range?: number;
}

/** The same with the job's name in the database. */
export interface SyncJobInput extends Omit<AdvanceSyncJobInput, 'job'> {
  recordType: string;
}

/**
 * The result of one time-boxed slice of a job. Instants in milliseconds since 1970. Contains no text of third
 * parties.
 */
export type SyncJobReport =
  /**
   * There is more to read: call again, with the priority that the run has by now. `ranges`: these at the same
   * time, then the job.
   */
  | { state: 'more'; priorityKey?: number; ranges?: number[] }
  /** Call again at `until`, or when a signal arrives. */
  | { state: 'waiting'; until: number; reason: JobWait }
  /** Of a range too. */
  | { state: 'ended' };

export interface SyncMilestoneInput extends SyncRunKey {
  syncRunId: string;
  /** How many times 12 h the run has taken so far. */
  count: number;
}

/** The state of the run as computed from its jobs, for Temporal's UI. */
export interface SyncRunOutcome {
  state: string;
  successfulJobs: number;
  failedJobs: number;
  isSyncFinished: boolean;
}
