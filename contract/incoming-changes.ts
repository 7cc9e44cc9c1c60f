/**
 * Names and messages of the workflow that reads what webhooks of a third party have named. Permanent: running
 * workflows carry them.
 */
import { defineQuery, defineSignal } from '@temporalio/workflow';
import { typeIdOf } from '../domain/typeid';

export const INCOMING_CHANGES_WORKFLOW = 'incomingChangesWorkflow';

export interface IncomingChangesInput {
  tenantId: string;
  integrationId: string;
  /** The earliest instant at which something may be due, in milliseconds since 1970. */
  nextDueAt: number;
  /**
   * False if the cluster has not registered our search attributes: an unknown one would block the workflow.
   */
  hasSearchAttributes: boolean;
}

/** One per integration, under the id that the API shows: `incoming-changes:int_…`. */
export function incomingChangesWorkflowId({ integrationId }: { integrationId: string }): string {
  return `incoming-changes:${typeIdOf('int', integrationId)}`;
}

/** Something is due at `nextDueAt` (milliseconds since 1970). Sending the signal twice is harmless. */
export const incomingDueSignal = defineSignal<[{ nextDueAt: number }]>('incomingDue');

/** What the workflow waits for, for operators and tests. */
export const incomingChangesQuery = defineQuery<IncomingChangesReport>('incomingChanges');

/** Instants in milliseconds since 1970. No text of third parties. */
export interface IncomingChangesReport {
  /** null = nothing waits for a run. */
  nextDueAt: number | null;
  /** Records and record types that wait for a run. */
  waiting: number;
}
