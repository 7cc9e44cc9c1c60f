/**
 * The push queue: pushes the changed records of one integration once they are due, one workflow per
 * integration (rules.md 1 to 16).
 *
 * Debounce windows and retries are rows. The workflow waits until the earliest of them is due, then an
 * activity claims and pushes what is due and reports the next instant (due-loop.ts). A change that restarts a
 * window only moves its row: the workflow calls the activity at the old instant, finds nothing due, and
 * sleeps for the rest.
 */
import { continueAsNew, setCurrentDetails, setHandler } from '@temporalio/workflow';
import { pushQueueQuery, type RecordPushInput, recordsDueSignal } from '../contract/record-push';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes';
import { describeFirstWait, describePushQueue, summarizeWait } from '../domain/push/push-queue-description';
import { recordPushActivities } from './activities';
import { DueLoop } from './due-loop';

export async function recordPushWorkflow(input: RecordPushInput): Promise<void> {
  const { tenantId, integrationId } = input;
  const { pushDueRecords } = recordPushActivities(tenantId);
  let pendingRecords = 0;
  const queue = new DueLoop({
    ...input,
    continueAsNew: (nextDueAt) => continueAsNew<typeof recordPushWorkflow>({ ...input, nextDueAt }),
  });

  setHandler(recordsDueSignal, (due) => queue.onDueSignal(due));
  setHandler(pushQueueQuery, () => ({ nextDueAt: queue.nextDueAt, pendingRecords }));

  setCurrentDetails(describeFirstWait(input.nextDueAt));
  while (queue.hasWork) {
    await queue.sleepUntilDue(summarizeWait(pendingRecords));
    const report = await queue.runDue((firedAt) => pushDueRecords({ tenantId, integrationId, firedAt }));

    pendingRecords = report.pendingRecords;
    setCurrentDetails(describePushQueue(report, queue.nextDueAt));
    queue.updateSearchAttributes([
      { key: SEARCH_ATTRIBUTES.pendingRecords, value: pendingRecords },
      {
        key: SEARCH_ATTRIBUTES.nextDueAt,
        value: queue.nextDueAt === null ? null : new Date(queue.nextDueAt),
      },
    ]);
    await queue.continueInNewHistoryIfLong();
  }
}
