/** Work that grows with data and is done in chunks by a workflow of its own. */
export type BackgroundTaskKind =
  | 'delete_integration'
  | 'decide_deletion_review'
  | 'clear_pass_state'
  | 'clear_sync_now';

const WORDS: Record<BackgroundTaskKind, string> = {
  delete_integration: 'Deleting the rows of a deleted integration',
  clear_pass_state: 'Clearing the working state of ended jobs',
  clear_sync_now: 'Clearing the differences of an ended Sync Now',
  decide_deletion_review: 'Carrying out the decision about a deletion review',
};

/** For operators in Temporal's UI. `kind` may be one of a newer version. */
export function describeBackgroundTask({ kind, doneRows }: { kind: string; doneRows: number }): string {
  return `${WORDS[kind as BackgroundTaskKind] ?? kind}: ${doneRows} rows done.`;
}
