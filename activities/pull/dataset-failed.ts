/** Failures to read a dataset that a retry does not resolve. */
import type { RecordRejected } from '../../connectors/errors';
import type { SyncError } from '../../domain/sync-error';

/** The third party refuses to continue its list: the cursor has expired. */
export class CursorExpired extends Error {
  constructor(readonly refusal: RecordRejected) {
    super(refusal.message);
  }
}

export class DatasetFailed extends Error {
  constructor(readonly syncError: SyncError) {
    super(syncError.message);
  }
}

/**
 * An empty list that held records before is more likely a misconfiguration than correct (rules.md 35).
 */
export function suspiciouslyEmpty(recordType: string, linked: number): DatasetFailed {
  return datasetFailed('config', 'suspiciously_empty', {
    message: `${recordType}: the third party lists no records, but ${linked} of its records are linked to Syncline.`,
    explanation:
      'Nothing was deleted. Check what the credentials may read and which list is configured; ' +
      'if the list is really empty, remove the record type from the integration.',
  });
}

export function endlessList(recordType: string): DatasetFailed {
  return datasetFailed('config', 'endless_list', {
    message: `${recordType}: the list never ends: several consecutive pages contained only records that were read before.`,
    explanation: 'Nothing was deleted. Check how the list is paged in the configuration.',
  });
}

/** Of a list, or of all records of the type (rules.md 60). */
export function tooManyRecords(recordType: string, limit: number): DatasetFailed {
  return datasetFailed('config', 'too_many_records', {
    origin: 'us',
    message: `${recordType}: more records than the limit of ${limit}.`,
    explanation:
      'The page that exceeded the limit was not stored. Check which list is configured and whether it ends; ' +
      'if it really holds so many records, ask your operator to raise RECORDS_PER_TYPE.',
  });
}

/** Of a list that suddenly holds many times its records (rules.md 60). */
export function growthNeedsReview(
  recordType: string,
  { grown, before }: { grown: number; before: number },
): DatasetFailed {
  return datasetFailed('config', 'growth_needs_review', {
    origin: 'us',
    message: `${recordType}: at least ${grown} new records, and there were ${before} before.`,
    explanation:
      'No further ones are stored until an admin approves them under "Deletions to review". Check which list ' +
      'is configured and whether it ends.',
  });
}

export function listChanged(recordType: string): DatasetFailed {
  return datasetFailed('transient', 'list_changed', {
    message: `${recordType}: the list changed while it was read, so it is not known which records are missing.`,
    explanation: 'Request another Sync Overview.',
  });
}

function datasetFailed(
  category: SyncError['category'],
  code: string,
  text: Pick<SyncError, 'message' | 'explanation'> & Partial<Pick<SyncError, 'origin'>>,
): DatasetFailed {
  return new DatasetFailed({ category, origin: 'app', code, field: null, remote_field: null, ...text });
}
