/** Conflicts that pushes find, and those that a successful push ends (rules.md 49). */
import type { TenantWork } from '../database';
import { endConflicts, raiseConflicts } from '../records/conflicts';
import type { FinishedPush } from './push-outcome';

export async function recordPushConflicts(
  work: TenantWork,
  { integrationId, finished }: { integrationId: string; finished: readonly FinishedPush[] },
): Promise<void> {
  for (const { push, outcome } of finished) {
    if (outcome.kind !== 'failed' || outcome.conflict === undefined) continue;
    const { kind, remoteId, ours, theirs } = outcome.conflict;
    const detail = outcome.errors.map(({ message }) => message).join(' ');
    const { recordType, recordId } = push;
    await raiseConflicts(work, { integrationId, syncRunId: null, recordType }, [
      { kind, remoteId, recordId, field: null, ours, theirs, winner: null, detail },
    ]);
  }
  await endConflicts(work, {
    integrationId,
    recordIds: finished.flatMap(({ push, outcome }) => (outcome.kind === 'succeeded' ? [push.recordId] : [])),
    kinds: ['already_linked', 'answered_other_id', 'doubtful_creation', 'edited_here_deleted_there'],
  });
}
