/** What sender and lane agree on. Names are permanent: running workflows carry them. */
import { defineQuery, defineSignal } from '@temporalio/workflow';
import { wireIdOf } from '../domain/typeid';

export const RECORD_PUSH_WORKFLOW = 'recordPushWorkflow';

export interface RecordPushInput {
  tenantId: string;
  integrationId: string;
  /** The earliest instant at which something may be due, in milliseconds since 1970. */
  wakeAt: number;
  /** False where the cluster knows none of our search attributes: an unknown one would jam the workflow. */
  hasSearchAttributes: boolean;
}

/** One lane per integration, under the id that the API shows: `record-push:int_…`. */
export function recordPushWorkflowId({ integrationId }: { integrationId: string }): string {
  return `record-push:${wireIdOf('int', integrationId)}`;
}

/** Something is due at `wakeAt` (milliseconds since 1970). Repeating it is harmless; later than what is known it changes nothing. */
export const recordsDueSignal = defineSignal<[{ wakeAt: number }]>('recordsDue');

/** What the lane waits for, for tests and operators. */
export const laneQuery = defineQuery<LaneView>('lane');

export interface LaneView {
  /** null = nothing is known to wait. */
  wakeAt: number | null;
  pendingRecords: number;
}

/**
 * What one wake of the lane came to. Instants in milliseconds since 1970, workflow time.
 * No words of third parties: they may hold anything, and Temporal's history is read by operators of all tenants.
 */
export interface LaneReport {
  state: 'working' | 'paused' | 'needs_reauthorization' | 'deleted';
  pushed: number;
  wakeAt: number | null;
  pendingRecords: number;
  blockedUntil: number | null;
  blockedBecause: 'outage' | 'rate_limit' | null;
}

export interface PushDueRecordsInput {
  tenantId: string;
  integrationId: string;
  /** Workflow time at which the lane woke: rows due later are not touched. */
  firedAt: number;
}
