/** A record while a batch of changes, or a page of a run, is applied to it. */
import type { VersionedRecord } from './record-change';

export interface ChangeAuthor {
  /** As in the push log: `key:payroll`, `admin:ana@example.org`. */
  actor: string;
  requestId: string;
}

export interface RecordDraft {
  recordId: string;
  recordType: string;
  externalId: string;
  /** Before the batch; null = the batch creates the record. */
  before: VersionedRecord | null;
  after: VersionedRecord;
  changedFields: Set<string>;
  isTouched: boolean;
  /**
   * When the batch changes it, and not before the previous change: a transaction that waited for the record's
   * lock may have started earlier, and a debounce window must not move back.
   */
  changedAt: Date;
}
