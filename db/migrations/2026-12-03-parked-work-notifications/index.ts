/** Admins are notified of parked work. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table notifications
      drop constraint notifications_kind_check,
      add constraint notifications_kind_check check (kind in (
        'sync_overview_ready', 'sync_complete', 'sync_could_not_finish', 'onboarding_complete',
        'onboarding_failed', 'integration_needs_reauthorization', 'integration_unavailable',
        'deletions_need_review', 'pushes_need_review', 'drift_found', 'difference_remains',
        'endpoint_failing', 'endpoint_disabled', 'work_parked'))`.execute(db);
}
