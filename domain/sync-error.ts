/**
 * An error of a push as people and programs see it, on a pair and in the push log (rules.md 8). Stored and
 * sent as it stands here.
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
