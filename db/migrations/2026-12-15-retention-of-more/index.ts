/** The sweep deletes what is over and old, and finds it by an index (rules.md 62). */
import { type Kysely, sql } from 'kysely';
import { allTenants } from '../2026-11-28-baseline/access';
import { createIndex } from '../concurrent-indexes';

const ROLE = 'syncline_dispatcher';
const INDEXES = [
  'notifications_over',
  'notification_recipients_by_notification',
  'notification_recipients_unviewed',
  'metadata_changes_by_age',
  'background_tasks_finished',
  'push_reviews_finished',
  'deletion_reviews_decided',
  'sync_conflicts_ended',
  'overviews_without_data',
  'person_tokens_by_expiry',
] as const;

const statements = [
  ...INDEXES.map(createIndex),
  // The new index of unviewed notifications has its columns.
  'drop index if exists notification_recipients_unread',
  ...allTenants(ROLE, 'notifications', 'select (ctid, tenant_id, notification_id, resolved_at)', 'delete'),
  `grant select (ctid, notification_id, email_id), delete on notification_recipients to ${ROLE}`,
  ...allTenants(ROLE, 'metadata_changes', 'select (ctid, at)', 'delete'),
  `grant delete on background_tasks to ${ROLE}`,
  ...allTenants(ROLE, 'push_reviews', 'select (ctid, finished_at)', 'delete'),
  ...allTenants(
    ROLE,
    'deletion_reviews',
    `select (ctid, tenant_id, deletion_review_id, integration_id, sync_run_id, record_type, kind, state,
      decided_at)`,
    'delete',
  ),
  `grant select (counted_at) on sync_datasets to ${ROLE}`,
  ...allTenants(ROLE, 'missing_records', 'select (ctid, tenant_id, sync_run_id, record_type)', 'delete'),
  `grant delete on sync_conflicts to ${ROLE}`,
  `grant select (ctid), delete on overviews to ${ROLE}`,
  `grant select (tenant_id, overview_id), delete on overview_jobs to ${ROLE}`,
  ...allTenants(ROLE, 'person_tokens', 'select (ctid, expires_at)', 'delete'),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
