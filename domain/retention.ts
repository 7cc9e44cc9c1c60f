/** How long history is kept, in days. Sync Logs and Sync Status stay for ever, as figures. */
export interface Retention {
  /** Events, webhook deliveries and their attempts. */
  events: number;
  pushes: number;
  recordChanges: number;
  auditLog: number;
  emails: number;
  operations: number;
}

export const DEFAULT_RETENTION: Retention = {
  events: 30,
  pushes: 90,
  recordChanges: 365,
  auditLog: 730,
  emails: 90,
  operations: 30,
};

/** All work ends within 72 hours, so nothing that is older than this is still in progress. */
export const RETENTION_DAYS_MIN = 7;
