/** Conflicts that pushes find, and those that a successful push ends (rules.md 49). */
import type { TenantWork } from '../database';
import { newFieldConflict, raiseConflicts, type NewConflict } from '../records/conflicts';
import { alreadyLinkedWords, type ConflictKind, type PushConflict } from '../../domain/records/conflict';
import type { FieldConflict } from '../../domain/pull/field-conflict';
import type { SyncError } from '../../domain/sync-error';
import type { WantedLink } from './linked-elsewhere';
import type { ClaimedPush } from './claim';
import type { FinishedPush } from './push-outcome';

interface NewLink extends WantedLink {
  recordId: string;
}

/** The links that pushes have made or changed. */
export const newLinks = (finished: readonly FinishedPush[]): NewLink[] =>
  finished.flatMap(({ push: { externalId, recordType, remoteId, recordId }, outcome }) =>
    outcome.kind !== 'succeeded' || outcome.remoteId === null || outcome.remoteId === remoteId
      ? []
      : [{ externalId, recordType, recordId, remoteId: outcome.remoteId }],
  );

const keyOf = ({ recordType, remoteId }: WantedLink): string => `${recordType}\n${remoteId}`;

/** Whether two of the links lead to one remote record. */
export const areShared = (links: readonly NewLink[]): boolean =>
  new Set(links.map(keyOf)).size < links.length;

/**
 * A push that turned out to concern the remote record of another record has failed: its answer shows what
 * `claimRemote` could not know before, for example the id after an upsert in one call.
 * @param linked by record id: the external id of another record that is linked to the remote one
 */
export function refuseHeldRemotes(
  finished: readonly FinishedPush[],
  linked: ReadonlyMap<string, string>,
): FinishedPush[] {
  const first = new Map<string, string>();
  const holders = new Map<string, string | undefined>();
  for (const link of newLinks(finished)) {
    holders.set(link.recordId, linked.get(link.recordId) ?? first.get(keyOf(link)));
    if (!first.has(keyOf(link))) first.set(keyOf(link), link.externalId);
  }
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

export async function raisePushConflicts(
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
}

/** The kinds of conflicts of a record that a successful push ends. */
export const ENDED_KINDS: readonly ConflictKind[] = [
  'already_linked',
  'answered_other_id',
  'doubtful_creation',
  'edited_here_deleted_there',
];

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
