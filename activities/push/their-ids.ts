/**
 * Exchanges the ids of records that others refer to, on the way to the third party and back
 * (docs/decisions/0033). Everything behind it is in our ids.
 */
import type { ConnectorContext, PushItem } from '../../connectors/connector';
import type { ClaimedPush } from '../../db/push/claim';
import type { JsonObject } from '../../domain/json';
import { withoutCreateOnly } from '../../domain/records/create-only';
import type { RecordTypeMappings } from '../../domain/records/mapping';
import {
  referenceFields,
  referencesIn,
  referredKey,
  type ReferredRecord,
  withOurIds,
  withTheirIds,
} from '../../domain/records/references';

type BeforeWrite = NonNullable<ConnectorContext['beforeWrite']>;

export class TheirIds {
  /** By our id, and by theirs. */
  private readonly theirs = new Map<string, string>();
  private readonly ours = new Map<string, string>();

  constructor(
    private readonly pushes: readonly ClaimedPush[],
    private readonly recordTypes: RecordTypeMappings,
    private readonly findOurIds: (wanted: readonly ReferredRecord[]) => Promise<ReadonlyMap<string, string>>,
  ) {
    for (const { remoteIds } of pushes)
      for (const [key, remoteId] of Object.entries(remoteIds)) this.learn(key, remoteId);
  }

  private learn(ourKey: string, remoteId: string): void {
    const [recordType = ''] = ourKey.split('\n', 1);
    this.theirs.set(ourKey, remoteId);
    this.ours.set(referredKey({ recordType, id: remoteId }), ourKey.slice(recordType.length + 1));
  }

  /** A payload as it is sent. */
  sent(recordType: string, payload: JsonObject): JsonObject {
    const mapping = this.recordTypes[recordType];
    return mapping === undefined
      ? payload
      : withTheirIds(mapping, payload, (one) => this.theirs.get(referredKey(one)));
  }

  /** What an answer shows. */
  shown(recordType: string, there: JsonObject): JsonObject {
    const mapping = this.recordTypes[recordType];
    return mapping === undefined
      ? there
      : withOurIds(mapping, there, (one) => this.ours.get(referredKey(one)));
  }

  item(item: PushItem): PushItem {
    const { recordType, payload, unresolvedCreation } = item;
    if (referenceFields(this.recordTypes[recordType]).length === 0) return item;
    return {
      ...item,
      payload: this.sent(recordType, payload),
      unresolvedCreation: unresolvedCreation && {
        ...unresolvedCreation,
        payload: this.sent(recordType, unresolvedCreation.payload),
      },
    };
  }

  /** Compares what is there in our ids, and sends the result in theirs. */
  around(beforeWrite: BeforeWrite): BeforeWrite {
    return async (item, there, call) => {
      const { recordType, pushId } = item;
      const mapping = this.recordTypes[recordType];
      const push = this.pushes.find((one) => one.pushId === pushId);
      if (mapping === undefined || push === undefined || referenceFields(mapping).length === 0)
        return beforeWrite(item, there, call);
      const unknown = referencesIn(mapping, there).filter((one) => !this.ours.has(referredKey(one)));
      for (const [key, id] of await this.findOurIds(unknown)) {
        const [type = ''] = key.split('\n', 1);
        this.learn(referredKey({ recordType: type, id }), key.slice(type.length + 1));
      }
      // The unchanged payload is the one that was claimed: a repetition may send that of an earlier push.
      const own = { ...item, payload: withoutCreateOnly(push.payload, item.createOnly) };
      const sent = await beforeWrite(own, this.shown(recordType, there), call);
      return sent === own.payload ? item.payload : this.sent(recordType, sent);
    };
  }
}
