/**
 * An error of a push, shown on a record sync and in the push log (rules.md 8). Stored and returned in this
 * form.
 */
export interface SyncError {
  category: 'config' | 'credentials' | 'rejected_record' | 'rate_limited' | 'transient' | 'internal';
  /** `app` = the third party said it, `us` = Syncline did. */
  origin: 'app' | 'us';
  code: string;
  field: string | null;
  remote_field: string | null;
  /** Their words. */
  message: string;
  /** Our words: what it means and what to do next. */
  explanation: string;
}
