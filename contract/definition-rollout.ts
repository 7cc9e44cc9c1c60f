/**
 * Names and messages of the workflow that publishes a version of a third-party definition. Permanent: running
 * workflows carry them.
 */
import { defineSignal } from '@temporalio/workflow';
import { typeIdOf } from '../domain/typeid';

export const DEFINITION_ROLLOUT_WORKFLOW = 'definitionRolloutWorkflow';

export interface DefinitionRolloutInput {
  /** The platform's. */
  tenantId: string;
  rolloutId: string;
}

/** What is changed is in the database (`definition_rollouts`), not in the history. */
export type DefinitionRolloutReport = { state: 'waiting'; until: number } | { state: 'more' | 'ended' };

/** A person has decided. Carries no state: the workflow reads its row. */
export const definitionRolloutChangedSignal = defineSignal('definitionRolloutChanged');

export function definitionRolloutWorkflowId({
  rolloutId,
}: Pick<DefinitionRolloutInput, 'rolloutId'>): string {
  return `definition-rollout:${typeIdOf('rol', rolloutId)}`;
}
