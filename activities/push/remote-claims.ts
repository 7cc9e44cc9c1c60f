/**
 * Keeps two records from being pushed to one remote record (rules.md 49): what another record is linked to,
 * and what another push of the same execution has found, is refused before it is written.
 */
import type { PushItem } from '../../connectors/connector';
import { alreadyLinked } from '../../connectors/errors';

export class RemoteClaims {
  private readonly holders = new Map<string, string>();

  constructor(
    /** The external id of another record that is linked to the remote one. */
    private readonly findOtherHolder: (item: PushItem, remoteId: string) => Promise<string | undefined>,
  ) {}

  async claim(item: PushItem, remoteId: string): Promise<void> {
    const key = `${item.recordType}\n${remoteId}`;
    const holder = this.holders.get(key) ?? item.externalId;
    if (holder !== item.externalId) throw alreadyLinked(remoteId, holder);
    this.holders.set(key, item.externalId);
    const other = await this.findOtherHolder(item, remoteId);
    if (other !== undefined) throw alreadyLinked(remoteId, other);
  }
}
