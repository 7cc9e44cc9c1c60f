/** What requesters and the workflow of one Sync Overview agree on. Names are permanent: running workflows carry them. */
import { defineSignal } from '@temporalio/workflow';
import { typeIdOf } from '../domain/typeid';

export const OVERVIEW_WORKFLOW = 'overviewWorkflow';

export interface OverviewInput {
  tenantId: string;
  overviewId: string;
}

/** From the request to the end of its data, under the id that the API shows: `overview:ovw_…`. */
export function overviewWorkflowId({ overviewId }: Pick<OverviewInput, 'overviewId'>): string {
  return `overview:${typeIdOf('ovw', overviewId)}`;
}

/** Something about it has changed: look at the row. Repeating it is harmless. */
export const overviewChangedSignal = defineSignal('overviewChanged');

export interface WorkOnOverviewInput extends OverviewInput {
  /** Workflow time. */
  firedAt: number;
}

/** What one time-boxed piece came to. Instants in milliseconds since 1970. */
export type OverviewReport =
  /** There is more to read: call again. */
  | { state: 'more' }
  /** Not before this moment, or when a signal comes: tried again then, or it expires. */
  | { state: 'waiting'; until: number }
  /** Its data is gone. */
  | { state: 'over' };
