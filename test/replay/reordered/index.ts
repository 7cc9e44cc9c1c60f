/** A deliberately wrong change of the lane, for the negative control of the replay test: it asks for work before it has slept. */
import { condition, setHandler } from '@temporalio/workflow';
import { laneQuery, type RecordPushInput, recordsDueSignal } from '../../../contract/record-push';
import { emailActivities, integrationCheckActivities, recordPushActivities } from '../../../workflows/activities';

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
