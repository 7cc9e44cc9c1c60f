/** How long history is kept, in days. Sync Logs and Sync Status stay for ever, as figures. */
export interface Retention {
  /** Events, webhook deliveries and their attempts. */
  events: number;
  pushes: number;
  recordChanges: number;
  auditLog: number;
  emails: number;
  operations: number;
  /** The texts of errors in Sync Logs and overviews. The entries stay, with their codes. */
  errorTexts: number;
  /** The values and texts of conflicts that have ended. The entries stay. */
  conflictTexts: number;
}

export const DEFAULT_RETENTION: Retention = {
  events: 30,
  pushes: 90,
  recordChanges: 365,
  auditLog: 730,
  emails: 90,
  operations: 30,
  errorTexts: 365,
  conflictTexts: 365,
};

/** Stands in the place of a text that was removed. */
export const removedText = (days: number): string => `Removed after ${days} days.`;

/** Far longer than any work takes (72 hours), and as long as missed deliveries can be recovered. */
export const RETENTION_DAYS_MIN = 14;
