/**
 * The push queue: pushes the changed records of one integration once they are due, one workflow per
 * integration (rules.md 1 to 16).
 *
 * Debounce windows and retries are rows. The workflow waits until the earliest of them is due, then an
 * activity claims and pushes what is due and reports the next instant (due-loop.ts). A change that restarts a
 * window only moves its row: the workflow calls the activity at the old instant, finds nothing due, and
 * sleeps for the rest. More urgent work overtakes an execution that waits for a slot (push-turns.ts).
 */
import { continueAsNew, patched, setCurrentDetails, setHandler } from '@temporalio/workflow';
import { pushQueueQuery, type RecordPushInput, recordsDueSignal } from '../../contract/record-push';
import { SEARCH_ATTRIBUTES } from '../../contract/search-attributes';
import {
  describeFirstWait,
  describePushQueue,
  summarizeWait,
} from '../../domain/push/push-queue-description';
import { PRIORITIES, priorityBy } from '../../domain/work-priorities';
import { furtherPushActivities, recordPushActivities } from '../activities';
import { DueLoop } from '../due-loop';
import { PushShards } from './push-shards';
import { PushTurns } from './push-turns';

export async function recordPushWorkflow(input: RecordPushInput): Promise<void> {
  const { tenantId, integrationId } = input;
  let pendingRecords = 0;
  /** Of the executions beside the first one: what a person asked for is mostly pushed by then. */
  let besidePriority: number = PRIORITIES.edit;
  const queue: DueLoop = new DueLoop({
    ...input,
    async continueAsNew(nextDueAt) {
      await shards.end();
      const { dueByPriority } = queue;
      const earliest = Math.min(nextDueAt, queue.nextDueAt ?? nextDueAt);
      return continueAsNew<typeof recordPushWorkflow>({ ...input, nextDueAt: earliest, dueByPriority });
    },
  });
  const shards = new PushShards(
    (shard) => {
      const { pushDueRecords } = furtherPushActivities(tenantId, besidePriority);
      const beside = { firedAt: Date.now(), priorityKey: besidePriority };
      return pushDueRecords({ tenantId, integrationId, ...beside, ...shard });
    },
    (report) => queue.onReport(report),
  );

  const turns = new PushTurns(queue, (execution) => {
    const { pushDueRecords } = recordPushActivities(tenantId, execution.priorityKey);
    return pushDueRecords({ tenantId, integrationId, ...execution, ...shards.ofFirst });
  });

  setHandler(recordsDueSignal, (due) => queue.onDueSignal(due));
  setHandler(pushQueueQuery, () => ({ nextDueAt: queue.nextDueAt, pendingRecords }));

  setCurrentDetails(describeFirstWait(input.nextDueAt));
  while (queue.hasWork || turns.areUnderWay || shards.areUnderWay) {
    if (!turns.areUnderWay) {
      if (!queue.hasWork) {
        await shards.end(() => queue.hasWork);
        continue;
      }
      await queue.sleepUntilDue(summarizeWait(pendingRecords));
    }
    const report = await turns.nextReport();
    const { shards: wanted = 1, dueByPriority = {} } = report;
    besidePriority = priorityBy(dueByPriority, Date.now()) ?? PRIORITIES.edit;
    // One that waits was scheduled for all calls of the integration, or for another share of them.
    shards.spread(wanted > 1 && !turns.areUnderWay && patched('push-shards') ? wanted : 1);

    pendingRecords = report.pendingRecords;
    setCurrentDetails(describePushQueue(report, queue.nextDueAt));
    queue.updateSearchAttributes([
      { key: SEARCH_ATTRIBUTES.pendingRecords, value: pendingRecords },
      {
        key: SEARCH_ATTRIBUTES.nextDueAt,
        value: queue.nextDueAt === null ? null : new Date(queue.nextDueAt),
      },
    ]);
    if (!shards.areUnderWay && !turns.areUnderWay) await queue.continueInNewHistoryIfLong();
  }
}
