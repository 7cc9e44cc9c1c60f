/** Names and messages of the workflow of one Sync Overview. Permanent: running workflows carry them. */
import { defineSignal } from '@temporalio/workflow';
import { typeIdOf } from '../domain/typeid';

export const OVERVIEW_WORKFLOW = 'overviewWorkflow';

export interface OverviewInput {
  tenantId: string;
  overviewId: string;
}

/**
 * One workflow from the request until the data is deleted, under the id that the API shows: `overview:ovw_…`.
 */
export function overviewWorkflowId({ overviewId }: Pick<OverviewInput, 'overviewId'>): string {
  return `overview:${typeIdOf('ovw', overviewId)}`;
}

/** The overview's row has changed; the workflow reads it again. Sending the signal twice is harmless. */
export const overviewChangedSignal = defineSignal('overviewChanged');

export interface AdvanceOverviewInput extends OverviewInput {
  /** Workflow time, in milliseconds since 1970. */
  firedAt: number;
}

/** The result of one time-boxed slice. Instants in milliseconds since 1970. */
export type OverviewReport =
  /** There is more to read: call again. */
  | { state: 'more' }
  /** Call again at `until` or when a signal arrives: for a retry, or because the overview expires. */
  | { state: 'waiting'; until: number }
  /** The data was deleted. */
  | { state: 'ended' };
