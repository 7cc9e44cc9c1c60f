/** Deliberately wrong changes of each workflow, for the negative control of the replay test: lanes ask for work before they have slept. */
import { condition, setHandler } from '@temporalio/workflow';
import { type OverviewInput, overviewChangedSignal } from '../../../contract/overview';
import { laneQuery, type RecordPushInput, recordsDueSignal } from '../../../contract/record-push';
import { syncRunsChangedSignal } from '../../../contract/sync-run';
import type { SyncTickInput } from '../../../contract/sync-schedule';
import { deliveriesDueSignal, webhookEndpointQuery, type WebhookEndpointInput } from '../../../contract/webhook-endpoint';
import {
  emailActivities,
  integrationCheckActivities,
  notificationActivities,
  overviewActivities,
  recordPushActivities,
  syncRunActivities,
  syncTickActivities,
  webhookActivities,
} from '../../../workflows/activities';

export async function recordPushWorkflow({ tenantId, integrationId, wakeAt }: RecordPushInput): Promise<void> {
  const { pushDueRecords } = recordPushActivities(tenantId);
  let next = wakeAt;
  setHandler(recordsDueSignal, (due) => {
    next = Math.min(next, due?.wakeAt ?? 0);
  });
  setHandler(laneQuery, () => ({ wakeAt: next, pendingRecords: 0 }));
  const report = await pushDueRecords({ tenantId, integrationId, firedAt: Date.now() });
  if (report.wakeAt !== null) await condition(() => false, 1_000);
}

export async function checkIntegrationWorkflow(input: { tenantId: string; integrationId: string }): Promise<unknown> {
  await condition(() => false, 1_000);
  return integrationCheckActivities(input.tenantId).checkIntegration(input);
}

export async function sendEmailWorkflow(input: { tenantId: string; emailId: string }): Promise<unknown> {
  await condition(() => false, 1_000);
  return emailActivities(input.tenantId).sendEmail(input);
}

export async function notificationWorkflow(input: { tenantId: string; notificationRecipientId: string }): Promise<unknown> {
  await condition(() => false, 1_000);
  return notificationActivities(input.tenantId).settleNotification(input);
}

/** Sleeps before it begins to read. */
export async function overviewWorkflow(input: OverviewInput): Promise<unknown> {
  setHandler(overviewChangedSignal, () => undefined);
  await condition(() => false, 1_000);
  return overviewActivities(input.tenantId).workOnOverview({ ...input, firedAt: Date.now() });
}

/** Sleeps before it looks whether there is a run, and lets its jobs read one after the other. */
export async function syncRunWorkflow(place: { tenantId: string; integrationId: string }): Promise<void> {
  const { beginSyncRun, workOnSyncJob } = syncRunActivities(place.tenantId);
  setHandler(syncRunsChangedSignal, () => undefined);
  await condition(() => false, 1_000);
  const run = await beginSyncRun(place);
  for (const recordType of run?.recordTypes ?? []) await workOnSyncJob({ ...place, syncRunId: run?.syncRunId ?? '', recordType, firedAt: Date.now() });
}

export async function syncTickWorkflow(input: SyncTickInput): Promise<unknown> {
  await condition(() => false, 1_000);
  return syncTickActivities(input.tenantId).tickSyncSchedule({ ...input, scheduledAt: Date.now() });
}

export async function webhookEndpointWorkflow({ endpointId, wakeAt }: WebhookEndpointInput): Promise<void> {
  const { deliverDueWebhooks } = webhookActivities(endpointId);
  setHandler(deliveriesDueSignal, () => undefined);
  setHandler(webhookEndpointQuery, () => ({ wakeAt, pendingDeliveries: 0 }));
  const report = await deliverDueWebhooks({ endpointId, firedAt: Date.now(), recentFailures: [] });
  if (report.wakeAt !== null) await condition(() => false, 1_000);
}
