/**
 * The lane: pushes what is due of one integration, one workflow per integration (rules.md 1 to 16).
 *
 * Windows and retries are rows; the lane keeps nothing but the next instant at which one may be due. Woken by that
 * timer or by a signal, it lets an activity claim and push what is due and is told when to look again. A change
 * that restarts a window only moves a row: the lane wakes at the old time, finds it moved, and sleeps the rest.
 *
 * Ends when nothing waits; the next signal-with-start brings it back. Nothing is lost at the end: handlers are
 * synchronous, and between the last look at `nextDueAt` and `return` there is no await, so a signal that arrives in
 * that instant makes the server refuse the end and replay it.
 */
import {
  condition,
  continueAsNew,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import {
  pushQueueQuery,
  type PushReport,
  type RecordPushInput,
  recordsDueSignal,
} from '../contract/record-push';
import { SEARCH_ATTRIBUTES } from '../contract/search-attributes';
import { describeFirstWait, describePushQueue, summarizeWait } from '../domain/push/push-queue-description';
import { recordPushActivities } from './activities';

const NEVER = Number.POSITIVE_INFINITY;
const SEARCHABLE_EVERY_MS = 60_000;
/** Nothing is ever due later than this: waits are a week at most. */
const FARTHEST_MS = 400 * 24 * 3_600_000;

export async function recordPushWorkflow(input: RecordPushInput): Promise<void> {
  const { tenantId, integrationId } = input;
  const { pushDueRecords } = recordPushActivities(tenantId);
  let nextDueAt = input.nextDueAt;
  let pendingRecords = 0;
  let madeSearchableAt = 0;

  // A signal may be repeated, late, or sent by hand with nonsense in it: at worst the lane looks once in vain.
  setHandler(recordsDueSignal, (due) => {
    const isInstant = Number.isFinite(due?.nextDueAt) && due.nextDueAt < Date.now() + FARTHEST_MS;
    nextDueAt = Math.min(nextDueAt, isInstant ? due.nextDueAt : Date.now());
  });
  setHandler(pushQueueQuery, () => ({ nextDueAt: nextDueAt === NEVER ? null : nextDueAt, pendingRecords }));

  setCurrentDetails(describeFirstWait(nextDueAt));
  while (nextDueAt !== NEVER) {
    await sleepUntilDue();
    nextDueAt = NEVER; // signals set it again while the activity runs
    const report = await pushDueRecords({ tenantId, integrationId, firedAt: Date.now() });
    nextDueAt = Math.min(nextDueAt, report.nextDueAt ?? NEVER);
    pendingRecords = report.pendingRecords;
    show(report);
    if (nextDueAt !== NEVER && isHistoryLong()) await startOver();
  }

  /** Sleeps until `nextDueAt`, also where a signal moves it earlier meanwhile. A long sleep may see thousands of signals, each an event. */
  async function sleepUntilDue(): Promise<void> {
    while (nextDueAt > Date.now()) {
      const until = nextDueAt;
      await condition(() => nextDueAt < until || isHistoryLong(), until - Date.now(), {
        summary: summarizeWait(pendingRecords),
      });
      if (isHistoryLong()) await startOver();
    }
  }

  function isHistoryLong(): boolean {
    return workflowInfo().continueAsNewSuggested;
  }

  async function startOver(): Promise<void> {
    await continueAsNew<typeof recordPushWorkflow>({ ...input, nextDueAt });
  }

  function show(report: PushReport): void {
    setCurrentDetails(describePushQueue(report, nextDueAt === NEVER ? null : nextDueAt));
    if (!input.hasSearchAttributes || Date.now() - madeSearchableAt < SEARCHABLE_EVERY_MS) return;
    madeSearchableAt = Date.now();
    upsertSearchAttributes([
      { key: SEARCH_ATTRIBUTES.pendingRecords, value: report.pendingRecords },
      { key: SEARCH_ATTRIBUTES.nextDueAt, value: nextDueAt === NEVER ? null : new Date(nextDueAt) },
    ]);
  }
}
