/** What an execution of a push queue reports to its workflow, above all when to run next. */
import type { PushReport } from '../../contract/record-push';
import type { PushQueueStatus } from '../../db/push/push-queue';
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
  const isUnfinished = !timeBox.isWithinTimeBox() || status.hasBackfill;
  // Still due although there was time for it: an incoming change has locked it.
  const earliest = isUnfinished ? now : now + CHECK_AGAIN_MS;
  const rowsDueAt = status.hasBackfill ? now : earliestOf(status);
  // The rows are due, but Syncline's own rate limiter has no permits.
  const nextDueAt = rowsDueAt === null ? null : Math.max(rowsDueAt, permitsAt?.getTime() ?? 0);
  const wasClaimed = nextDueAt !== null && nextDueAt <= Math.min(firedAt, now);
  return {
    state: status.state,
    pushed,
    nextDueAt:
      nextDueAt === null
        ? null
        : timeBox.toWorkflowTime(wasClaimed ? Math.max(nextDueAt, earliest) : nextDueAt),
    pendingRecords: status.pendingRecords,
    blockedUntil: status.blockedUntil?.getTime() ?? null,
    blockedReason: status.blockedReason,
  };
}

/** What was given up is tried again once nothing blocks the integration. */
function earliestOf({ nextDueAt, blockedUntil, givenUpProbeAt }: PushQueueStatus): number | null {
  const instants = [nextDueAt, blockedUntil === null ? givenUpProbeAt : null];
  const known = instants.flatMap((instant) => (instant === null ? [] : [instant.getTime()]));
  return known.length === 0 ? null : Math.min(...known);
}
