/** Pushes above a threshold wait for approval before they leave (rules.md 53). */
import { type Kysely, sql } from 'kysely';
import { tenantTable } from '../2026-11-28-baseline/access';

const EFFECTS = `('create', 'overwrite', 'deactivate', 'delete')`;

const statements = [
  `create table push_reviews (
     tenant_id uuid not null,
     push_review_id uuid not null,
     integration_id uuid not null,
     record_type text not null,
     effect text not null check (effect in ${EFFECTS}),
     -- Why the pushes became due, and who caused it.
     started_because text not null,
     caused_by text[] not null,
     mapping_version integer not null,
     state text not null check (state in ('pending', 'approved', 'discarded', 'superseded')),
     records_approved bigint not null default 0,
     records_discarded bigint not null default 0,
     decided_by text,
     decided_at timestamptz,
     -- Null while record syncs still refer to the review.
     finished_at timestamptz,
     created_at timestamptz not null,
     primary key (tenant_id, push_review_id),
     foreign key (tenant_id, integration_id) references integrations
   )`,
  `create unique index push_reviews_pending on push_reviews (tenant_id, integration_id, record_type, effect)
     where state = 'pending'`,
  `create index push_reviews_unfinished on push_reviews (tenant_id, integration_id)
     where finished_at is null`,
  // What has left within the last days, by hour: a threshold counts within a sliding window.
  `create table brake_counts (
     tenant_id uuid not null,
     integration_id uuid not null,
     record_type text not null,
     effect text not null check (effect in ${EFFECTS}),
     hour timestamptz not null,
     records bigint not null,
     primary key (tenant_id, integration_id, record_type, effect, hour)
   )`,
  `alter table record_syncs
     -- What the push of the open window changes at the third party; null = nothing that a brake counts, or
     -- approved.
     add column window_effect text check (window_effect in ${EFFECTS}),
     add column push_review_id uuid,
     add constraint record_syncs_review_is_held check (push_review_id is null or held_at is not null)`,
  `create index record_syncs_by_effect on record_syncs (tenant_id, integration_id, window_effect)
     where window_effect is not null and window_opened_at is not null`,
  `create index record_syncs_by_review on record_syncs (tenant_id, push_review_id, record_id)
     where push_review_id is not null`,
  `alter table integrations add column mapping_changed_by text`,
  `alter table notifications
     drop constraint notifications_kind_check,
     add constraint notifications_kind_check check (kind in (
       'sync_overview_ready', 'sync_complete', 'sync_could_not_finish', 'onboarding_complete',
       'onboarding_failed', 'integration_needs_reauthorization', 'integration_unavailable',
       'deletions_need_review', 'pushes_need_review', 'drift_found', 'difference_remains',
       'endpoint_failing', 'endpoint_disabled'))`,
  ...tenantTable('push_reviews', 'select, insert, update'),
  ...tenantTable('brake_counts', 'select, insert, update, delete'),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
