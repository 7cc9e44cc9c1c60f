/**
 * The push queue: pushes the changed records of one integration once they are due, one workflow per
 * integration (rules.md 1 to 16).
 *
 * Debounce windows and retries are rows. The workflow waits until the earliest of them is due, then an
 * activity claims and pushes what is due and reports the next instant (due-loop.ts). A change that restarts a
 * window only moves its row: the workflow calls the activity at the old instant, finds nothing due, and
 * sleeps for the rest.
 */
import { continueAsNew, patched, setCurrentDetails, setHandler } from '@temporalio/workflow';
import { pushQueueQuery, type RecordPushInput, recordsDueSignal } from '../contract/record-push';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes';
import { describeFirstWait, describePushQueue, summarizeWait } from '../domain/push/push-queue-description';
import { furtherPushActivities, recordPushActivities } from './activities';
import { DueLoop } from './due-loop';
import { PushShards } from './push-shards';

export async function recordPushWorkflow(input: RecordPushInput): Promise<void> {
  const { tenantId, integrationId } = input;
  const { pushDueRecords } = recordPushActivities(tenantId);
  const { pushDueRecords: pushDueRecordsBeside } = furtherPushActivities(tenantId);
  let pendingRecords = 0;
  const queue: DueLoop = new DueLoop({
    ...input,
    async continueAsNew(nextDueAt) {
      await shards.end();
      const earliest = Math.min(nextDueAt, queue.nextDueAt ?? nextDueAt);
      return continueAsNew<typeof recordPushWorkflow>({ ...input, nextDueAt: earliest });
    },
  });
  const shards = new PushShards(
    (shard) => pushDueRecordsBeside({ tenantId, integrationId, firedAt: Date.now(), ...shard }),
    ({ nextDueAt }) => nextDueAt !== null && queue.onDueSignal({ nextDueAt }),
  );

  setHandler(recordsDueSignal, (due) => queue.onDueSignal(due));
  setHandler(pushQueueQuery, () => ({ nextDueAt: queue.nextDueAt, pendingRecords }));

  setCurrentDetails(describeFirstWait(input.nextDueAt));
  while (queue.hasWork || shards.areUnderWay) {
    if (!queue.hasWork) {
      await shards.end(() => queue.hasWork);
      continue;
    }
    await queue.sleepUntilDue(summarizeWait(pendingRecords));
    const report = await queue.runDue((firedAt) =>
      pushDueRecords({ tenantId, integrationId, firedAt, ...shards.ofFirst }),
    );
    const { shards: wanted = 1 } = report;
    shards.spread(wanted > 1 && patched('push-shards') ? wanted : 1);

    pendingRecords = report.pendingRecords;
    setCurrentDetails(describePushQueue(report, queue.nextDueAt));
    queue.updateSearchAttributes([
      { key: SEARCH_ATTRIBUTES.pendingRecords, value: pendingRecords },
      {
        key: SEARCH_ATTRIBUTES.nextDueAt,
        value: queue.nextDueAt === null ? null : new Date(queue.nextDueAt),
      },
    ]);
    if (!shards.areUnderWay) await queue.continueInNewHistoryIfLong();
  }
}
