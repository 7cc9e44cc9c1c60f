/**
 * Deletes the rows of a deleted tenant (rules.md 62), slice by slice. How far the deletion is, and what it
 * waits for, is in its row.
 */
import { ActivityFailure, ApplicationFailure, continueAsNew, sleep } from '@temporalio/workflow';
import { TENANT_DELETED, type TenantDeletionInput } from '../contract/tenant-deletion';
import { erasureActivities } from './activities';
import { isHistoryLong } from './history';

export async function tenantDeletionWorkflow(input: TenantDeletionInput): Promise<void> {
  const { advanceTenantDeletion } = erasureActivities(input.tenantId);
  for (;;) {
    const report = await advanceTenantDeletion(input);
    if (report.state === 'ended') return;
    if (report.state === 'waiting') await sleep(Math.max(report.until - Date.now(), 1));
    if (isHistoryLong()) await continueAsNew<typeof tenantDeletionWorkflow>(input);
  }
}

/** Ends a workflow whose tenant was deleted. */
export function endingWithTenant<Input, Result>(
  workflow: (input: Input) => Promise<Result>,
): (input: Input) => Promise<Result | undefined> {
  return async (input) => {
    try {
      return await workflow(input);
    } catch (error) {
      const cause = error instanceof ActivityFailure ? error.cause : undefined;
      if (cause instanceof ApplicationFailure && cause.type === TENANT_DELETED) return undefined;
      throw error;
    }
  };
}
