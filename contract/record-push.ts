/** What sender and lane agree on. Names are permanent: running workflows carry them. */
import { defineQuery, defineSignal } from '@temporalio/workflow';
import { typeIdOf } from '../domain/typeid';

export const RECORD_PUSH_WORKFLOW = 'recordPushWorkflow';

export interface RecordPushInput {
  tenantId: string;
  integrationId: string;
  /** The earliest instant at which something may be due, in milliseconds since 1970. */
  nextDueAt: number;
  /** False where the cluster knows none of our search attributes: an unknown one would jam the workflow. */
  hasSearchAttributes: boolean;
}

/** One lane per integration, under the id that the API shows: `record-push:int_…`. */
export function recordPushWorkflowId({ integrationId }: { integrationId: string }): string {
  return `record-push:${typeIdOf('int', integrationId)}`;
}

/** Something is due at `nextDueAt` (milliseconds since 1970). Repeating it is harmless; later than what is known it changes nothing. */
export const recordsDueSignal = defineSignal<[{ nextDueAt: number }]>('recordsDue');

/** What the lane waits for, for tests and operators. */
export const pushQueueQuery = defineQuery<PushQueueView>('lane');

export interface PushQueueView {
  /** null = nothing is known to wait. */
  nextDueAt: number | null;
  pendingRecords: number;
}

/**
 * What one wake of the lane came to. Instants in milliseconds since 1970, workflow time.
 * No words of third parties: they may hold anything, and Temporal's history is read by operators of all tenants.
 */
export interface PushReport {
  state: 'working' | 'paused' | 'needs_reauthorization' | 'deleted';
  pushed: number;
  nextDueAt: number | null;
  pendingRecords: number;
  blockedUntil: number | null;
  blockedReason: 'outage' | 'rate_limit' | null;
}

export interface PushDueRecordsInput {
  tenantId: string;
  integrationId: string;
  /** Workflow time at which the lane woke: rows due later are not touched. */
  firedAt: number;
}
