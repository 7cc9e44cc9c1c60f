/**
 * Keeps the pushes of one execution from overwriting edits at the third party that no run has read (rules.md
 * 17, 50). The connectors call it with each record that they read before they write it.
 */
import type { ConnectorContext, PushItem } from '../../connectors/connector';
import { deletedThere } from '../../connectors/errors';
import type { TenantWork } from '../../db/database';
import type { ClaimedPush } from '../../db/push/claim';
import type { FinishedPush, UnreadOfPush } from '../../db/push/push-outcome';
import { agreeOnTaken } from '../../db/push/write-links';
import { acceptChanges } from '../../db/records/accept-changes';
import { toTypeId } from '../../db/sql/ids';
import type { JsonObject } from '../../domain/json';
import type { FieldConflict } from '../../domain/pull/field-conflict';
import { editsOfDeleted } from '../../domain/pull/edits-of-deleted';
import { findUnreadEdits } from '../../domain/pull/unread-edits';
import type { RecordTypeMappings } from '../../domain/records/mapping';

type Hooks = Required<Pick<ConnectorContext, 'beforeWrite' | 'beforeCreateAgain'>>;

export class UnreadEditsOfBatch implements Hooks {
  private readonly pushes: ReadonlyMap<string, ClaimedPush>;
  private readonly found = new Map<string, UnreadOfPush>();

  constructor(
    pushes: readonly ClaimedPush[],
    private readonly recordTypes: RecordTypeMappings,
    /** Stores conflicts before the call that overwrites a remote value, because its response may be lost. */
    private readonly raise: (push: ClaimedPush, conflicts: readonly FieldConflict[]) => Promise<void>,
  ) {
    this.pushes = new Map(pushes.map((push) => [push.pushId, push]));
  }

  /** The unread edits that the push found; undefined = it compared no record. */
  of({ pushId }: ClaimedPush): UnreadOfPush | undefined {
    return this.found.get(pushId);
  }

  readonly beforeWrite = async (
    { pushId, payload }: PushItem,
    there: JsonObject,
    { isReplaced }: { isReplaced: boolean },
  ): Promise<JsonObject> => {
    const push = this.pushes.get(pushId);
    const mapping = push && this.recordTypes[push.recordType];
    if (push?.agreement == null || mapping === undefined) return payload;
    const { agreement, fields, operation } = push;
    if (operation !== 'upsert') {
      await this.raise(push, editsOfDeleted(mapping, fields, agreement, there));
      return payload;
    }
    const edits = findUnreadEdits(mapping, { fields, payload }, agreement, { remote: there, isReplaced });
    const { sent, kept, conflicts, ...found } = edits;
    await this.raise(push, conflicts);
    this.found.set(pushId, { payload: kept, ...found });
    return sent;
  };

  readonly beforeCreateAgain = ({ pushId, remoteId }: PushItem): void => {
    const agreement = this.pushes.get(pushId)?.agreement;
    // Right after another push, the third party may not show the record yet.
    if (remoteId !== null && agreement?.isJustPushed === false) throw deletedThere(remoteId);
  };
}

/**
 * Stores remote values that win a conflict as changes of the records. If the worker crashes before this, the
 * next run takes them.
 */
export async function takeUnread(
  finished: readonly FinishedPush[],
  { integrationId }: { integrationId: string },
  inTenant: (work: (tenant: TenantWork) => Promise<unknown>) => Promise<unknown>,
): Promise<void> {
  for (const { push, outcome } of finished) {
    if (outcome.kind !== 'succeeded' || outcome.unread === undefined) continue;
    const { taken: fields, takenAs } = outcome.unread;
    if (Object.keys(fields).length === 0) continue;
    const { recordType, externalId, recordId } = push;
    const { remoteId } = outcome;
    const author = {
      actor: `integration:${toTypeId('int', integrationId)}`,
      requestId: toTypeId('psh', push.pushId),
    };
    await inTenant(async (work) => {
      const change = { kind: 'patch' as const, recordType, externalId, fields };
      const [result] = await acceptChanges(work, [change], author);
      if (result?.outcome === 'accepted')
        await agreeOnTaken(work, { integrationId, recordId, remoteId }, takenAs);
    });
  }
}
