/**
 * One scheduled start of a sync: an activity decides from rows whether a run is requested or skipped.
 * The run is for the scheduled time, however late the workflow runs.
 */
import { workflowInfo } from '@temporalio/workflow';
import { SCHEDULED_AT, type ScheduledSyncInput, type ScheduledSyncResult } from '../contract/sync-schedule';
import { scheduledSyncActivities } from './activities';

export async function scheduledSyncWorkflow(input: ScheduledSyncInput): Promise<ScheduledSyncResult> {
  const { requestScheduledSync } = scheduledSyncActivities(input.tenantId);
  return requestScheduledSync({ ...input, scheduledAt: scheduledAt() });
}

/** Without a schedule, as when an operator starts the workflow by hand, the scheduled time is the start. */
function scheduledAt(): number {
  const { typedSearchAttributes, workflowId, startTime } = workflowInfo();
  const attribute = typedSearchAttributes.get(SCHEDULED_AT);
  if (attribute !== undefined) return attribute.getTime();
  const inId = Date.parse(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.exec(workflowId)?.[0] ?? '');
  return Number.isNaN(inId) ? startTime.getTime() : inId;
}
