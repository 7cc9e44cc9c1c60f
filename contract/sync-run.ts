/** What requesters and the workflow of an integration's sync runs agree on. Names are permanent: running workflows carry them. */
import { defineQuery, defineSignal } from '@temporalio/workflow';
import type { JobWait } from '../domain/sync-runs/sync-run';
import { typeIdOf } from '../domain/typeid';

export const SYNC_RUN_WORKFLOW = 'syncRunWorkflow';

export interface SyncRunInput {
  tenantId: string;
  integrationId: string;
  /** False where the cluster knows none of our search attributes. */
  hasSearchAttributes: boolean;
  /** Of a run that goes on in a new history. */
  syncRunId?: string;
}

/** One at a time per integration, under the id that the API shows: `sync-run:int_…`. */
export function syncRunWorkflowId({ integrationId }: { integrationId: string }): string {
  return `sync-run:${typeIdOf('int', integrationId)}`;
}

/** Something about this integration's runs has changed (one was asked for, canceled, paused, may go on): look at the rows. Repeating it is harmless. */
export const syncRunsChangedSignal = defineSignal('syncRunsChanged');

/** What the workflow is doing, for operators and tests. */
export const syncRunQuery = defineQuery<SyncRunView>('syncRun');

export interface SyncRunView {
  /** null = between two runs. */
  syncRunId: string | null;
  jobs: { recordType: string; state: string }[];
}

export interface SyncRunKey {
  tenantId: string;
  integrationId: string;
}

/** The run to work on, with what is left of its jobs. `recordType` '' is the metadata job. */
export interface StartedSyncRun {
  syncRunId: string;
  kind: string;
  recordTypes: string[];
  /** Milliseconds since 1970. */
  startedAt: number;
}

export interface SyncJobInput extends SyncRunKey {
  syncRunId: string;
  recordType: string;
  /** Workflow time. */
  firedAt: number;
}

/** What one time-boxed piece of a job came to. Instants in milliseconds since 1970. No words of third parties. */
export type SyncJobReport =
  /** There is more to read: call again. */
  | { state: 'more' }
  /** Not before this moment, or when a signal comes. */
  | { state: 'waiting'; until: number; reason: JobWait }
  | { state: 'ended' };

/** How often a run has gone on for another 12 h without an end. */
export interface SyncMilestoneInput extends SyncRunKey {
  syncRunId: string;
  count: number;
}

/** The run as its jobs stand, for Temporal's UI. */
export interface SyncRunOutcome {
  state: string;
  successfulJobs: number;
  failedJobs: number;
  isSyncFinished: boolean;
}
