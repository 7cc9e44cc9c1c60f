/** Names and messages of the push queue of an integration. Permanent: running workflows carry them. */
import { defineQuery, defineSignal } from '@temporalio/workflow';
import { typeIdOf } from '../domain/typeid';
import type { DueByPriority } from '../domain/work-priorities';

export const RECORD_PUSH_WORKFLOW = 'recordPushWorkflow';

export interface RecordPushInput {
  tenantId: string;
  integrationId: string;
  /** The earliest instant at which something may be due, in milliseconds since 1970. */
  nextDueAt: number;
  /** When work of each priority may be due. Absent: a process of a former version has started the queue. */
  dueByPriority?: DueByPriority;
  /**
   * False if the cluster has not registered our search attributes: an unknown one would block the workflow.
   */
  hasSearchAttributes: boolean;
}

/** One push queue per integration, under the id that the API shows: `record-push:int_…`. */
export function recordPushWorkflowId({ integrationId }: { integrationId: string }): string {
  return `record-push:${typeIdOf('int', integrationId)}`;
}

/**
 * A record is due at `nextDueAt` (milliseconds since 1970). Sending the signal twice is harmless, and an
 * instant later than the one that the workflow knows changes nothing. `dueByPriority` holds the same instant
 * under the priority of the work that is due then, and later instants of more urgent work. Without it the
 * work counts as an edit.
 */
export const recordsDueSignal =
  defineSignal<[{ nextDueAt: number; dueByPriority?: DueByPriority }]>('recordsDue');

/** What the push queue waits for, for operators and tests. */
export const pushQueueQuery = defineQuery<PushQueueView>('pushQueue');

export interface PushQueueView {
  /** null = no record is known to wait. */
  nextDueAt: number | null;
  pendingRecords: number;
}

/**
 * The result of one execution of the push queue. Instants in milliseconds since 1970, workflow time.
 * Contains no text of third parties: it may contain anything, and operators of all tenants read Temporal's
 * histories.
 */
export interface PushReport {
  state: 'working' | 'paused' | 'needs_reauthorization' | 'deleted';
  pushed: number;
  nextDueAt: number | null;
  /** When work of each priority is due; the earliest is `nextDueAt`. Absent: a former version reports. */
  dueByPriority?: DueByPriority;
  pendingRecords: number;
  blockedUntil: number | null;
  blockedReason: 'outage' | 'rate_limit' | null;
  /** How many executions the due records are worth at the same time. Absent: one. */
  shards?: number;
  /**
   * The number of the execution that has the turn of the integration. This one has done nothing, and of the
   * other fields only `nextDueAt` means something, for a workflow of version 0.3.0. Absent: it had the turn.
   */
  takenBy?: number;
}

/** Of several executions of a queue, one at a time pushes (db/push/queue/queue-turns.ts). */
export interface PushTurn {
  /** Counted from 1 in each run of the workflow. */
  number: number;
  /** Those that had not ended when this one was scheduled. */
  beside: readonly number[];
}

export interface PushDueRecordsInput {
  tenantId: string;
  integrationId: string;
  /** Workflow time of the call: rows that are due later are not touched. */
  firedAt: number;
  /** The priority of the execution in the task queue (domain/work-priorities.ts). Absent: not known. */
  priorityKey?: number;
  /** Absent: a workflow of a former version has scheduled the execution. */
  turn?: PushTurn;
  /** Which of several executions at the same time this is. Absent: the first. */
  shard?: number;
  /** How many executions there are at the same time. Absent: one. */
  shards?: number;
}
