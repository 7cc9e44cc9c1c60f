/** What an execution of a push queue reports to its workflow, above all when to run next. */
import type { PushReport } from '../../contract/record-push';
import type { PushQueueStatus } from '../../db/push/push-queue';
import { DueTimes } from '../../domain/due-times';
import { type DueByPriority, PRIORITIES, priorityBy } from '../../domain/work-priorities';
import type { TimeBox } from '../time-box';

/** When to check again for records that are due but locked by an incoming change. */
const CHECK_AGAIN_MS = 1_000;

export function reportOf(
  status: PushQueueStatus,
  {
    firedAt,
    pushed,
    timeBox,
    permitsAt,
  }: { firedAt: number; pushed: number; timeBox: TimeBox; permitsAt: Date | undefined },
): PushReport {
  const now = timeBox.now().getTime();
  const isUnfinished = !timeBox.isWithinTimeBox() || status.hasBackfill || status.isLifting;
  // Still due although there was time for it: an incoming change has locked it.
  const earliest = isUnfinished ? now : now + CHECK_AGAIN_MS;
  const nextLook = (rowsDueAt: number): number => {
    // The rows are due, but Syncline's own rate limiter has no permits.
    const dueAt = Math.max(rowsDueAt, permitsAt?.getTime() ?? 0, status.hasBackfill ? now : 0);
    const wasClaimed = dueAt <= Math.min(firedAt, now);
    return timeBox.toWorkflowTime(wasClaimed ? Math.max(dueAt, earliest) : dueAt);
  };
  const dueByPriority = Object.fromEntries(
    Object.entries(dueOf(status, now)).map(([priorityKey, at]) => [priorityKey, nextLook(at)]),
  );
  const instants = Object.values(dueByPriority);
  return {
    state: status.state,
    pushed,
    nextDueAt: instants.length === 0 ? null : Math.min(...instants),
    dueByPriority,
    pendingRecords: status.pendingRecords,
    blockedUntil: status.blockedUntil?.getTime() ?? null,
    blockedReason: status.blockedReason,
  };
}

function dueOf(status: PushQueueStatus, now: number): DueByPriority {
  const { nextDueAt, dueByPriority, blockedUntil, givenUpProbeAt, hasBackfill, isLifting } = status;
  const due = new DueTimes();
  const add = (priorityKey: number, at: number) =>
    due.add({ nextDueAt: at, dueByPriority: { [priorityKey]: at } });
  if (hasBackfill) add(PRIORITIES.backfill, now);
  if (isLifting) add(PRIORITIES.edit, now);
  if (blockedUntil !== null) {
    // The probe is for the most urgent of what waits.
    if (nextDueAt !== null)
      add(priorityBy(dueByPriority, Infinity) ?? PRIORITIES.backfill, nextDueAt.getTime());
    return due.byPriority;
  }
  for (const [priorityKey, at] of Object.entries(dueByPriority)) add(Number(priorityKey), at);
  // What was given up is tried again once nothing blocks the integration.
  if (givenUpProbeAt !== null) add(PRIORITIES.bulk, givenUpProbeAt.getTime());
  return due.byPriority;
}

/** When and with which priority the queue looks at its rows next. null = it waits for a signal. */
export function nextLookOf({
  nextDueAt,
  dueByPriority = {},
}: PushReport): { nextLookAt: Date; priorityKey: number } | null {
  if (nextDueAt === null) return null;
  const priorityKey = priorityBy(dueByPriority, nextDueAt) ?? PRIORITIES.edit;
  return { nextLookAt: new Date(nextDueAt), priorityKey };
}
