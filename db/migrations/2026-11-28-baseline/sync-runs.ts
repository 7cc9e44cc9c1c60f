/**
 * Sync runs, skipped runs, Sync Status and the pushes of a Sync Now.
 *
 * Sync runs and Sync Status rows are never deleted: no role may do so (rules.md 36).
 */
import { allTenants, tenantTable } from './access';

const tables = [
  `create table sync_runs (
     tenant_id uuid not null,
     sync_run_id uuid not null,
     integration_id uuid not null,
     kind text not null check (kind in (
       'onboarding', 'hourly', 'nightly', 'sign_in', 'last_day', 'incremental', 'full', 'drift_repair',
       'sync_now')),
     -- How much of each dataset is read, from narrow to wide.
     scope text not null check (scope in ('modified', 'last_day', 'full')),
     -- null = all record types that the integration pulls.
     record_types text[],
     started_by text not null,
     -- The overview that this run applies; null = it applies whatever it finds.
     overview_id uuid,
     -- Schedule date of a nightly run: at most one run per local date (rules.md 29).
     local_date date,
     follows_sync_run_id uuid,
     requested_at timestamptz not null,
     started_at timestamptz,
     finished_at timestamptz,
     cancel_requested_at timestamptz,
     canceled_by text,
     -- Computed from the job rows by the transaction that changes them (rules.md 35).
     state text not null check (state in (
       'queued', 'running', 'waiting', 'succeeded', 'partially_succeeded', 'failed', 'canceled')),
     successful_jobs integer not null default 0,
     failed_jobs integer not null default 0,
     is_sync_finished boolean not null default false,
     -- When SYNC_COMPLETE was sent for each 12 h that the run took (rules.md 38).
     milestones timestamptz[] not null default '{}',
     primary key (tenant_id, sync_run_id),
     foreign key (tenant_id, integration_id) references integrations
   ) with (fillfactor = 70)`,

  // The pushes that a Sync Now made due, until each has a result.
  `create table sync_run_pushes (
     tenant_id uuid not null,
     sync_run_id uuid not null,
     record_type text not null,
     record_id uuid not null,
     version bigint not null,
     made_due_at timestamptz not null,
     outcome text check (outcome in ('synced', 'sync_failed', 'left')),
     primary key (tenant_id, sync_run_id, record_type, record_id)
   )`,

  `create table skipped_runs (
     tenant_id uuid not null,
     skipped_run_id uuid not null,
     integration_id uuid not null,
     schedule text not null check (schedule in ('hourly', 'nightly')),
     scheduled_at timestamptz not null,
     reason text not null check (reason in (
       'skipped_overlap', 'skipped_paused', 'skipped_needs_reauthorization', 'skipped_already_ran')),
     sync_run_id uuid,
     at timestamptz not null,
     primary key (tenant_id, skipped_run_id)
   )`,

  `create table sync_statuses (
     tenant_id uuid not null,
     sync_status_id uuid not null,
     integration_id uuid not null,
     sync_run_id uuid not null,
     app text not null,
     account_name text not null,
     as_of timestamptz not null,
     total_difference bigint,
     total_syncline bigint,
     total_app bigint,
     -- [{record_type, syncline, app, difference, counted_at}]
     breakdown jsonb not null,
     primary key (tenant_id, sync_status_id)
   )`,

  // When the datasets queued by linking were complete: COMPANY_SYNCHRONIZED is sent once (rules.md 41).
  `create table company_syncs (
     tenant_id uuid primary key,
     synchronized_at timestamptz,
     failed_at timestamptz
   )`,
];

const indexes = [
  `create index sync_runs_by_integration on sync_runs (tenant_id, integration_id, sync_run_id)`,
  // At most one active run and one queued run per integration (rules.md 30).
  `create unique index sync_runs_one_active on sync_runs (tenant_id, integration_id)
     where state in ('running', 'waiting')`,
  `create unique index sync_runs_one_queued on sync_runs (tenant_id, integration_id)
     where state = 'queued' and kind <> 'sync_now'`,
  // A Sync Now cannot be merged with another kind of run, so it queues beside one.
  `create unique index sync_runs_one_sync_now
     on sync_runs (tenant_id, integration_id, coalesce(overview_id, sync_run_id))
     where state = 'queued' and kind = 'sync_now'`,
  `create unique index sync_runs_one_per_schedule_date on sync_runs (tenant_id, integration_id, local_date)
     where local_date is not null`,
  `create index skipped_runs_by_integration on skipped_runs (tenant_id, integration_id, skipped_run_id)`,
  `create index sync_statuses_by_integration on sync_statuses (tenant_id, integration_id, sync_status_id)`,
];

const access = [
  ...tenantTable('sync_runs', 'select, insert, update'),
  ...tenantTable('sync_run_pushes', 'select, insert, update, delete'),
  ...tenantTable('skipped_runs', 'select, insert'),
  ...tenantTable('sync_statuses', 'select, insert'),
  ...tenantTable('company_syncs', 'select, insert, update'),

  ...allTenants(
    'syncline_dispatcher',
    'sync_runs',
    `select (tenant_id, sync_run_id, integration_id, state, requested_at, started_at)`,
  ),
];

export const syncRuns = [...tables, ...indexes, ...access];
