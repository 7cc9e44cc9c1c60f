/** Names and messages of the workflow that erases records. Permanent: running workflows carry them. */
import { defineSignal } from '@temporalio/workflow';
import { typeIdOf } from '../domain/typeid';

export const ERASURE_WORKFLOW = 'erasureWorkflow';

export interface ErasureInput {
  tenantId: string;
  erasureId: string;
}

/** What is erased is in the database (`erasures`), not in the history. */
export type ErasureReport = { state: 'waiting'; until: number } | { state: 'more' | 'ended' };

/** The erasure was confirmed. Carries no state: the workflow reads its row. */
export const erasureChangedSignal = defineSignal('erasureChanged');

export function erasureWorkflowId({ erasureId }: Pick<ErasureInput, 'erasureId'>): string {
  return `erasure:${typeIdOf('ers', erasureId)}`;
}
