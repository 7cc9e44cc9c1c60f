/** What an acceptance hands on from the records to their pairs. */
import type { VersionedRecord } from '../../domain/records/record-change';

export interface ChangeAuthor {
  /** Who made the change, as the push log shows it: `key:payroll`, `admin:ana@example.org`. */
  actor: string;
  requestId: string;
}

/** A record while a batch is applied to it. */
export interface RecordDraft {
  recordId: string;
  recordType: string;
  externalId: string;
  /** As it stood before the batch; null = new. */
  before: VersionedRecord | null;
  after: VersionedRecord;
  changedFields: Set<string>;
  isTouched: boolean;
  /**
   * When the batch changes it. Not before the change that came before: a transaction that waited for another's lock began earlier
   * than that one, and a window must not move back.
   */
  changedAt: Date;
}
