/** How long history is kept, in days. Sync Logs and Sync Status stay for ever, as figures. */
export interface Retention {
  /** Events, webhook deliveries and their attempts. */
  events: number;
  pushes: number;
  recordChanges: number;
  auditLog: number;
  emails: number;
  /** Operations that people waited for, and background tasks. */
  operations: number;
  /** Counted from the end of their cause. */
  notifications: number;
  metadataChanges: number;
  /** Decided reviews of deletions, new records and pushes, with the lists of their records. */
  reviews: number;
  /** Conflicts that have ended. */
  conflicts: number;
  /** The counts of overviews, from the time when their items were deleted. */
  overviews: number;
  /** The texts of errors in Sync Logs and overviews. The entries stay, with their codes. */
  errorTexts: number;
  /** The values and texts of conflicts that have ended. The entries stay longer. */
  conflictTexts: number;
}

export const DEFAULT_RETENTION: Retention = {
  events: 30,
  pushes: 90,
  recordChanges: 365,
  auditLog: 730,
  emails: 90,
  operations: 30,
  notifications: 365,
  metadataChanges: 730,
  reviews: 90,
  conflicts: 730,
  overviews: 730,
  errorTexts: 365,
  conflictTexts: 365,
};

/** Stands in the place of a text that was removed. */
export const removedText = (days: number): string => `Removed after ${days} days.`;

/** Far longer than any work takes (72 hours), and as long as missed deliveries can be recovered. */
export const RETENTION_DAYS_MIN = 14;
