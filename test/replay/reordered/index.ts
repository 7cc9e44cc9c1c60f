/**
 * Deliberately wrong changes of each workflow, for the negative control of the replay test: queues ask for
 * work before they have slept.
 */
import { condition, setHandler } from '@temporalio/workflow';
import {
  type DefinitionRolloutInput,
  definitionRolloutChangedSignal,
} from '../../../contract/definition-rollout';
import {
  incomingChangesQuery,
  type IncomingChangesInput,
  incomingDueSignal,
} from '../../../contract/incoming-changes';
import { type OverviewInput, overviewChangedSignal } from '../../../contract/overview';
import { pushQueueQuery, type RecordPushInput, recordsDueSignal } from '../../../contract/record-push';
import { syncRunsChangedSignal } from '../../../contract/sync-run';
import type { ScheduledSyncInput } from '../../../contract/sync-schedule';
import {
  deliveriesDueSignal,
  endpointQueueQuery,
  type WebhookEndpointInput,
} from '../../../contract/webhook-endpoint';
import {
  definitionRolloutActivities,
  emailActivities,
  incomingChangesActivities,
  integrationCheckActivities,
  notificationActivities,
  overviewActivities,
  recordPushActivities,
  syncRunActivities,
  scheduledSyncActivities,
  webhookActivities,
} from '../../../workflows/activities';

export async function recordPushWorkflow({
  tenantId,
  integrationId,
  nextDueAt,
}: RecordPushInput): Promise<void> {
  const { pushDueRecords } = recordPushActivities(tenantId, 3);
  let next = nextDueAt;
  setHandler(recordsDueSignal, (due) => {
    next = Math.min(next, due?.nextDueAt ?? 0);
  });
  setHandler(pushQueueQuery, () => ({ nextDueAt: next, pendingRecords: 0 }));
  const report = await pushDueRecords({ tenantId, integrationId, firedAt: Date.now() });
  if (report.nextDueAt !== null) await condition(() => false, 1_000);
}

export async function integrationCheckWorkflow(input: {
  tenantId: string;
  integrationId: string;
}): Promise<unknown> {
  await condition(() => false, 1_000);
  return integrationCheckActivities(input.tenantId).checkIntegration(input);
}

export async function emailWorkflow(input: { tenantId: string; emailId: string }): Promise<unknown> {
  await condition(() => false, 1_000);
  return emailActivities(input.tenantId).sendEmail(input);
}

export async function notificationWorkflow(input: {
  tenantId: string;
  notificationRecipientId: string;
}): Promise<unknown> {
  await condition(() => false, 1_000);
  return notificationActivities(input.tenantId).decideNotification(input);
}

/** Sleeps before its first step. */
export async function definitionRolloutWorkflow(input: DefinitionRolloutInput): Promise<unknown> {
  setHandler(definitionRolloutChangedSignal, () => undefined);
  await condition(() => false, 1_000);
  return definitionRolloutActivities(input.tenantId).advanceDefinitionRollout(input);
}

export async function incomingChangesWorkflow(input: IncomingChangesInput): Promise<void> {
  const { tenantId, integrationId, nextDueAt } = input;
  setHandler(incomingDueSignal, () => undefined);
  setHandler(incomingChangesQuery, () => ({ nextDueAt, waiting: 0 }));
  const report = await incomingChangesActivities(tenantId).startIncomingReads({ tenantId, integrationId });
  if (report.nextDueAt !== null) await condition(() => false, 1_000);
}

/** Sleeps before it begins to read. */
export async function overviewWorkflow(input: OverviewInput): Promise<unknown> {
  setHandler(overviewChangedSignal, () => undefined);
  await condition(() => false, 1_000);
  return overviewActivities(input.tenantId).advanceOverview({ ...input, firedAt: Date.now() });
}

/** Sleeps before it looks whether there is a run, and lets its jobs read one after the other. */
export async function syncRunWorkflow(place: { tenantId: string; integrationId: string }): Promise<void> {
  const { startNextSyncRun, advanceSyncJob } = syncRunActivities(place.tenantId);
  setHandler(syncRunsChangedSignal, () => undefined);
  await condition(() => false, 1_000);
  const run = await startNextSyncRun(place);
  for (const job of run?.jobs ?? [])
    await advanceSyncJob({ ...place, syncRunId: run?.syncRunId ?? '', job, firedAt: Date.now() });
}

export async function scheduledSyncWorkflow(input: ScheduledSyncInput): Promise<unknown> {
  await condition(() => false, 1_000);
  return scheduledSyncActivities(input.tenantId).requestScheduledSync({ ...input, scheduledAt: Date.now() });
}

export async function webhookEndpointWorkflow({
  endpointId,
  nextDueAt,
}: WebhookEndpointInput): Promise<void> {
  const { deliverDueWebhooks } = webhookActivities(endpointId);
  setHandler(deliveriesDueSignal, () => undefined);
  setHandler(endpointQueueQuery, () => ({ nextDueAt, pendingDeliveries: 0 }));
  const report = await deliverDueWebhooks({ endpointId, firedAt: Date.now(), recentFailures: [] });
  if (report.nextDueAt !== null) await condition(() => false, 1_000);
}
