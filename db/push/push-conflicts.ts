/** Conflicts that pushes find, and those that a successful push ends (rules.md 49). */
import type { TenantWork } from '../database';
import { endConflicts, newFieldConflict, raiseConflicts, type NewConflict } from '../records/conflicts';
import { alreadyLinkedWords, type PushConflict } from '../../domain/records/conflict';
import type { FieldConflict } from '../../domain/pull/field-conflict';
import type { SyncError } from '../../domain/sync-error';
import { findOtherHolders, type WantedLink } from './linked-elsewhere';
import type { ClaimedPush } from './claim';
import type { FinishedPush } from './push-outcome';

/**
 * A push that turned out to concern the remote record of another record has failed: its answer shows what
 * `claimRemote` could not know before, for example the id after an upsert in one call.
 * @param lockHeld locks the record syncs that the claim still holds, and returns the ids of their records
 */
export async function refuseHeldRemotes(
  work: TenantWork,
  integrationId: string,
  finished: readonly FinishedPush[],
  lockHeld: () => Promise<ReadonlySet<string>>,
): Promise<FinishedPush[]> {
  const all = finished.flatMap(({ push: { externalId, recordType, remoteId, recordId }, outcome }) =>
    outcome.kind !== 'succeeded' || outcome.remoteId === null || outcome.remoteId === remoteId
      ? []
      : [{ externalId, recordType, recordId, remoteId: outcome.remoteId }],
  );
  const keyOf = (one: WantedLink) => `${one.recordType}\n${one.remoteId}`;
  const isShared = new Set(all.map(keyOf)).size < all.length;
  // Of two with one remote id, the result of the first counts only if its claim was not lost.
  const held = isShared ? await lockHeld() : undefined;
  const first = new Map<string, string>();
  const wanted = all.flatMap((one) => {
    if (held?.has(one.recordId) === false) return [];
    const holder = first.get(keyOf(one));
    if (holder === undefined) first.set(keyOf(one), one.externalId);
    return [{ ...one, holder }];
  });
  const linked = await findOtherHolders(work, integrationId, wanted);
  const holders = new Map(wanted.map((one) => [one.recordId, linked.get(one) ?? one.holder]));
  return finished.map(({ push, outcome }) => {
    const holder = holders.get(push.recordId);
    if (holder === undefined || outcome.kind !== 'succeeded' || outcome.remoteId === null)
      return { push, outcome };
    const { remoteId } = outcome;
    const error: SyncError = {
      ...alreadyLinkedWords(remoteId, holder),
      category: 'rejected_record',
      origin: 'us',
      field: null,
      remote_field: null,
    };
    const conflict: PushConflict = { kind: 'already_linked', remoteId, ours: null, theirs: holder };
    return { push, outcome: { kind: 'failed', errors: [error], isCertain: true, conflict } };
  });
}

export async function recordPushConflicts(
  work: TenantWork,
  { integrationId, finished }: { integrationId: string; finished: readonly FinishedPush[] },
): Promise<void> {
  const found = finished.flatMap(conflictOf);
  for (const recordType of new Set(found.map(({ push }) => push.recordType)))
    await raiseConflicts(
      work,
      { integrationId, syncRunId: null, recordType },
      found.filter(({ push }) => push.recordType === recordType).map(({ conflict }) => conflict),
    );
  await endConflicts(work, {
    integrationId,
    recordIds: finished.flatMap(({ push, outcome }) => (outcome.kind === 'succeeded' ? [push.recordId] : [])),
    kinds: ['already_linked', 'answered_other_id', 'doubtful_creation', 'edited_here_deleted_there'],
  });
}

function conflictOf({ push, outcome }: FinishedPush): { push: ClaimedPush; conflict: NewConflict }[] {
  if (outcome.kind !== 'failed' || outcome.conflict === undefined) return [];
  const detail = outcome.errors.map(({ message }) => message).join(' ');
  const { recordId } = push;
  return [{ push, conflict: { ...outcome.conflict, recordId, field: null, winner: null, detail } }];
}

/** Fields that changed on both sides, found right before the push. */
export async function raiseUnreadConflicts(
  work: TenantWork,
  { integrationId }: { integrationId: string },
  { recordId, recordType, remoteId }: ClaimedPush,
  conflicts: readonly FieldConflict[],
): Promise<void> {
  if (remoteId === null) return;
  await raiseConflicts(
    work,
    { integrationId, syncRunId: null, recordType },
    conflicts.map((conflict) => newFieldConflict({ recordId, remoteId }, conflict)),
  );
}
