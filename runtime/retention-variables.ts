/** The environment variables that say how long history is kept. */
import { z } from 'zod';
import { DEFAULT_RETENTION, type Retention, RETENTION_DAYS_MIN } from '../domain/retention';

const days = (kind: keyof Retention) =>
  z.coerce
    .number('must be a number of days')
    .int()
    .min(RETENTION_DAYS_MIN)
    .max(36_500)
    .default(DEFAULT_RETENTION[kind]);

export const retentionVariables = {
  RETENTION_EVENTS_DAYS: days('events'),
  RETENTION_PUSHES_DAYS: days('pushes'),
  RETENTION_RECORD_CHANGES_DAYS: days('recordChanges'),
  RETENTION_AUDIT_LOG_DAYS: days('auditLog'),
  RETENTION_EMAILS_DAYS: days('emails'),
  RETENTION_OPERATIONS_DAYS: days('operations'),
  RETENTION_NOTIFICATIONS_DAYS: days('notifications'),
  RETENTION_METADATA_CHANGES_DAYS: days('metadataChanges'),
  RETENTION_REVIEWS_DAYS: days('reviews'),
  RETENTION_CONFLICTS_DAYS: days('conflicts'),
  RETENTION_OVERVIEWS_DAYS: days('overviews'),
  RETENTION_ERROR_TEXTS_DAYS: days('errorTexts'),
  RETENTION_CONFLICT_TEXTS_DAYS: days('conflictTexts'),
};

export const retentionOf = (read: Record<keyof typeof retentionVariables, number>): Retention => ({
  events: read.RETENTION_EVENTS_DAYS,
  pushes: read.RETENTION_PUSHES_DAYS,
  recordChanges: read.RETENTION_RECORD_CHANGES_DAYS,
  auditLog: read.RETENTION_AUDIT_LOG_DAYS,
  emails: read.RETENTION_EMAILS_DAYS,
  operations: read.RETENTION_OPERATIONS_DAYS,
  notifications: read.RETENTION_NOTIFICATIONS_DAYS,
  metadataChanges: read.RETENTION_METADATA_CHANGES_DAYS,
  reviews: read.RETENTION_REVIEWS_DAYS,
  conflicts: read.RETENTION_CONFLICTS_DAYS,
  overviews: read.RETENTION_OVERVIEWS_DAYS,
  errorTexts: read.RETENTION_ERROR_TEXTS_DAYS,
  conflictTexts: read.RETENTION_CONFLICT_TEXTS_DAYS,
});
