/** One tick of a schedule: rows decide what becomes of it. The time it stands for is the schedule's, however late it is worked on. */
import { workflowInfo } from '@temporalio/workflow';
import { SCHEDULED_AT, type ScheduledSyncInput, type ScheduledSyncResult } from '../contract/sync-schedule';
import { scheduledSyncActivities } from './activities';

export async function scheduledSyncWorkflow(input: ScheduledSyncInput): Promise<ScheduledSyncResult> {
  const { requestScheduledSync } = scheduledSyncActivities(input.tenantId);
  return requestScheduledSync({ ...input, scheduledAt: scheduledAt() });
}

/** Without a schedule behind it, as when an operator starts it by hand, it stands for now. */
function scheduledAt(): number {
  const { typedSearchAttributes, workflowId, startTime } = workflowInfo();
  const attribute = typedSearchAttributes.get(SCHEDULED_AT);
  if (attribute !== undefined) return attribute.getTime();
  const inId = Date.parse(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.exec(workflowId)?.[0] ?? '');
  return Number.isNaN(inId) ? startTime.getTime() : inId;
}
