/**
 * An execution of a push queue pushes in the turn of its integration. If another execution has the turn, this
 * one does nothing, so the calls of the integration at the same time stay those of one execution. If another
 * one takes the turn, for example because Temporal takes this worker for dead, the calls of this one end.
 */
import { Context } from '@temporalio/activity';
import type { PushDueRecordsInput, PushReport } from '../../contract/record-push';
import type { TenantWork } from '../../db/database';
import { beginLook, endLook } from '../../db/push/queue/queue-looks';
import { endTurn, renewTurn } from '../../db/push/queue/queue-turns';
import { UNNUMBERED } from '../../domain/push/push-turns';
import type { ClaimLeases } from '../lease-renewal';
import { nextLookOf } from './push-report';

interface InTurnOptions {
  input: PushDueRecordsInput;
  leases: ClaimLeases;
  inTenant<T>(work: (tenant: TenantWork) => Promise<T>): Promise<T>;
}

export async function inTurn(
  { input, leases, inTenant }: InTurnOptions,
  push: () => Promise<PushReport>,
): Promise<PushReport> {
  const { integrationId, firedAt } = input;
  const { attempt, workflowExecution } = Context.current().info;
  const { number = UNNUMBERED, beside = [] } = input.turn ?? {};
  const isBeside = beside.length > 0;
  const begunAt = performance.now();
  const begun = await inTenant((work) => {
    const turn = {
      integrationId,
      run: workflowExecution?.runId ?? '',
      number,
      beside: isBeside ? [UNNUMBERED, ...beside] : [],
      until: leases.leaseUntil(),
    };
    return beginLook(work, { integrationId, firedAt, attempt, turn });
  });
  // A workflow of version 0.3.0 knows `nextDueAt` only.
  if (begun.takenBy !== null)
    return { ...NOTHING_DONE, nextDueAt: leases.leaseUntil().getTime(), takenBy: begun.takenBy };

  const turn = { integrationId, look: begun.look };
  const endRenewal = leases.hold((until) => inTenant((work) => renewTurn(work, { ...turn, until })), begunAt);
  const end = () => inTenant((work) => endTurn(work, turn));
  const report = await push()
    .finally(endRenewal)
    .catch(async (error: unknown) => {
      // A more urgent execution need not wait until this one is repeated.
      await end().catch(() => undefined);
      throw error;
    });
  const next = nextLookOf(report);
  if (begun.isNewest && next !== null) await inTenant((work) => endLook(work, { ...turn, ...next }));
  // Nothing is due, so only an execution that was scheduled before this one can need the turn, or one that
  // cannot know that this one has ended.
  else if (!begun.isNewest || isBeside || number === UNNUMBERED) await end();
  return report;
}

const NOTHING_DONE: PushReport = {
  state: 'working',
  pushed: 0,
  nextDueAt: null,
  pendingRecords: 0,
  blockedUntil: null,
  blockedReason: null,
};
