/**
 * An execution of a push queue pushes in the turn of its integration. If another execution has the turn, this
 * one does nothing, so the calls of the integration at the same time stay those of one execution.
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
  const turn = { integrationId, run: workflowExecution?.runId ?? '', number };
  const begunAt = performance.now();
  const { look, takenBy } = await inTenant((work) => {
    const asked = { ...turn, beside: isBeside ? [UNNUMBERED, ...beside] : [], until: leases.leaseUntil() };
    return beginLook(work, { integrationId, firedAt, attempt, turn: asked });
  });
  if (takenBy !== null) return { ...NOTHING_DONE, takenBy };

  const endRenewal = leases.hold((until) => inTenant((work) => renewTurn(work, { ...turn, until })), begunAt);
  const end = () => inTenant((work) => endTurn(work, turn));
  const report = await push()
    .catch(async (error: unknown) => {
      // A more urgent execution need not wait until this one is repeated.
      await end().catch(() => undefined);
      throw error;
    })
    .finally(endRenewal);
  const next = nextLookOf(report);
  if (look !== null && next !== null) await inTenant((work) => endLook(work, { ...turn, look, ...next }));
  // Nothing is due, so only an execution that was scheduled before this one can need the turn, or one that
  // cannot know that this one has ended.
  else if (look === null || isBeside || number === UNNUMBERED) await end();
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
