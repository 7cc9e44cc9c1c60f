/** Notifications, metadata changes and background tasks are kept for a limited time (rules.md 62). */
import { type Kysely, sql } from 'kysely';
import { allTenants } from '../2026-11-28-baseline/access';
import { createIndex } from '../concurrent-indexes';

const statements = [
  createIndex('notifications_resolved'),
  createIndex('notification_recipients_by_notification'),
  createIndex('metadata_changes_by_age'),
  createIndex('background_tasks_finished'),
  ...allTenants('syncline_dispatcher', 'notifications', 'select', 'delete'),
  ...allTenants('syncline_dispatcher', 'metadata_changes', 'select', 'delete'),
  `grant select (notification_id), delete on notification_recipients to syncline_dispatcher`,
  `grant delete on background_tasks to syncline_dispatcher`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
