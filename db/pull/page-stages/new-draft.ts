/** Drafts of records that a page creates. */
import type { VersionedRecord } from '../../../domain/records/record-change';
import type { RecordDraft } from '../../../domain/records/record-draft';
import type { NewRecord, PulledDraft, PulledRecord, PullTarget } from '../page';

export function newDraft(
  { recordType, externalIdPrefix }: Pick<PullTarget, 'recordType' | 'externalIdPrefix'>,
  { recordId, remote, agreed, notation }: NewRecord,
  now: Date,
): PulledDraft {
  const draft = new NewDraft(recordId, recordType, externalIdPrefix + remote.remoteId, remote, now);
  return { remote, agreed, notation, isAgreed: true, draft };
}

/** Parses the record's fields only on access: an initial load creates a million of these. */
class NewDraft implements RecordDraft {
  readonly before = null;
  readonly isTouched = true;

  constructor(
    readonly recordId: string,
    readonly recordType: string,
    readonly externalId: string,
    private readonly remote: PulledRecord,
    readonly changedAt: Date,
  ) {}

  get after(): VersionedRecord {
    return { version: 1, fields: this.remote.fields, isDeleted: false, occurredAt: this.changedAt };
  }

  get changedFields(): Set<string> {
    return new Set(Object.keys(this.remote.fields));
  }
}
