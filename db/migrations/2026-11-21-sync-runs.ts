/**
 * Pull: sync runs with their jobs, pages and changes, what is known of each dataset, Sync Status, schedules, reviews of deletions,
 * metadata, conflicts, the request budget, and e-mails on their way out.
 *
 * Sync runs, their changes and Sync Status rows are kept for ever (rules.md 36): nobody is granted to delete them.
 */
import { type Kysely, sql } from 'kysely';

const TENANT_TABLES = [
  'sync_runs',
  'sync_jobs',
  'sync_pages',
  'sync_record_errors',
  'sync_datasets',
  'sync_statuses',
  'skipped_runs',
  'deletion_reviews',
  'known_record_types',
  'metadata_changes',
  'sync_conflicts',
  'match_keys',
  'rate_limits',
  'emails',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [...changes(), ...tables(), ...policies(), ...grants()])
    await sql.raw(statement).execute(db);
}

function changes(): string[] {
  return [
    // Null until the initial datasets are complete, for who pulls; who only pushes has no gate (rules.md 33).
    `alter table integrations add column onboarding_started_at timestamptz`,
    `alter table integrations add column onboarded_at timestamptz`,
    `alter table integrations add column onboarding_failed_at timestamptz`,
    `alter table integrations add column is_hourly_sync_on boolean not null default true`,
    `alter table integrations add column nightly_sync_at text default '02:00' check (nightly_sync_at ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$')`,

    `alter table record_links add column record_type text not null default ''`,
    `update record_links link set record_type = record.record_type from records record where record.tenant_id = link.tenant_id and record.record_id = link.record_id`,
    `alter table record_links alter column record_type drop default`,
    // What the third party held when we last read it; null = not read since it changed.
    `alter table record_links add column remote_hash text`,
    // Null where we only read: nothing was ever agreed on, theirs counts.
    `alter table record_links alter column agreed drop not null`,
    // A key of its own, first in its index: one that began like the primary key would be taken for it wherever the statistics know
    // nothing of a tenant, and then a lookup walks all its links.
    `alter table record_links add column remote_key bigint not null
       generated always as (hashtextextended(integration_id::text || ' ' || record_type || ' ' || remote_id, 0)) stored`,
    `create index record_links_by_remote on record_links (remote_key, tenant_id)`,

    // Checked row by row they take as long as writing the row; who may write at all is of the tenant, and integrations are never erased.
    `alter table records drop constraint records_tenant_id_fkey`,
    `alter table record_links drop constraint record_links_tenant_id_integration_id_fkey`,

    `alter table outbox drop constraint outbox_topic_check`,
    `alter table outbox add constraint outbox_topic_check check (topic in ('record_push', 'sync_run', 'sync_schedule', 'email'))`,
    `alter table notifications drop constraint notifications_kind_check`,
    `alter table notifications add constraint notifications_kind_check check (kind in
       ('integration_needs_reauthorization', 'integration_unavailable', 'onboarding_complete', 'onboarding_failed', 'deletions_need_review', 'difference_remains'))`,
  ];
}

function tables(): string[] {
  return [
    `create table sync_runs (
       tenant_id uuid not null,
       sync_run_id uuid not null,
       integration_id uuid not null,
       kind text not null check (kind in ('onboarding', 'hourly', 'nightly', 'sign_in', 'last_day', 'incremental', 'full', 'drift_repair')),
       -- How much of each dataset it reads, ordered by width.
       scope text not null check (scope in ('modified', 'last_day', 'full')),
       -- null = all that the integration pulls.
       record_types text[],
       started_by text not null,
       -- The night a nightly run stands for: one per local date (rules.md 29).
       local_date date,
       follows_sync_run_id uuid,
       requested_at timestamptz not null,
       started_at timestamptz,
       finished_at timestamptz,
       cancel_requested_at timestamptz,
       canceled_by text,
       -- Computed from the job rows in the transaction that changes them, never set by hand (rules.md 35).
       state text not null check (state in ('queued', 'running', 'waiting', 'succeeded', 'partially_succeeded', 'failed', 'canceled')),
       successful_jobs integer not null default 0,
       failed_jobs integer not null default 0,
       is_sync_finished boolean not null default false,
       -- When it had gone on for another 12 h without an end (rules.md 38).
       milestones timestamptz[] not null default '{}',
       primary key (tenant_id, sync_run_id),
       foreign key (tenant_id, integration_id) references integrations
     ) with (fillfactor = 70)`,
    `create index sync_runs_by_integration on sync_runs (tenant_id, integration_id, sync_run_id)`,
    // At most one at work and one behind it (rules.md 30).
    `create unique index sync_runs_one_at_work on sync_runs (tenant_id, integration_id) where state in ('running', 'waiting')`,
    `create unique index sync_runs_one_queued on sync_runs (tenant_id, integration_id) where state = 'queued'`,
    `create unique index sync_runs_one_per_schedule_date on sync_runs (tenant_id, integration_id, local_date) where local_date is not null`,

    `create table sync_jobs (
       tenant_id uuid not null,
       sync_run_id uuid not null,
       -- '' = the metadata job; else the record type of a dataset.
       record_type text not null,
       state text not null check (state in ('queued', 'running', 'waiting', 'succeeded', 'failed', 'canceled', 'not_supported')),
       -- null = everything is read.
       modified_since timestamptz,
       cursor text,
       pages integer not null default 0,
       repeated_pages integer not null default 0,
       -- The third party's clock when the first page was read: the next watermark.
       as_of timestamptz,
       -- Every page was read: what is left is to delete and to count.
       read_finished_at timestamptz,
       -- What the last page said the whole list holds.
       remote_total bigint,
       expected_records bigint,
       records_read bigint not null default 0,
       records_new bigint not null default 0,
       records_changed bigint not null default 0,
       records_deleted bigint not null default 0,
       records_unchanged bigint not null default 0,
       records_failed bigint not null default 0,
       -- Why missing records were not deleted though everything was read: 'list_changed' | 'needs_review'.
       deletes_withheld text check (deletes_withheld in ('list_changed', 'needs_review')),
       has_tombstones boolean not null default false,
       attempts integer not null default 0,
       failing_since timestamptz,
       is_last_attempt_failed boolean not null default false,
       error jsonb,
       waiting_until timestamptz,
       waiting_reason text check (waiting_reason in ('retry', 'outage', 'rate_limit', 'budget', 'paused')),
       started_at timestamptz,
       finished_at timestamptz,
       updated_at timestamptz not null,
       primary key (tenant_id, sync_run_id, record_type),
       foreign key (tenant_id, sync_run_id) references sync_runs
     ) with (fillfactor = 50)`,

    // A page that was applied: its checkpoint, what it changed, and, while the pass goes on, which records it held.
    `create table sync_pages (
       tenant_id uuid not null,
       sync_run_id uuid not null,
       record_type text not null,
       page integer not null,
       ids_digest text not null,
       seen uuid[],
       created uuid[] not null default '{}',
       -- [{record_id, fields: [names]}]
       changed jsonb not null default '[]',
       deleted uuid[] not null default '{}',
       at timestamptz not null,
       primary key (tenant_id, sync_run_id, record_type, page)
     )`,
    // Ids do not compress, and are read as a whole.
    `alter table sync_pages alter column seen set storage external`,
    `alter table sync_pages alter column created set storage external`,

    `create table sync_record_errors (
       tenant_id uuid not null,
       sync_run_id uuid not null,
       sync_record_error_id uuid not null,
       record_type text not null,
       remote_id text,
       code text not null,
       message text not null,
       at timestamptz not null,
       primary key (tenant_id, sync_run_id, sync_record_error_id)
     )`,

    // What is known of a dataset from run to run.
    `create table sync_datasets (
       tenant_id uuid not null,
       integration_id uuid not null,
       record_type text not null,
       watermark timestamptz,
       -- Of the datasets queued by linking: how their first full pass ended; null = not yet, or linked later.
       is_initial boolean not null,
       initial_state text check (initial_state in ('succeeded', 'failed', 'not_supported')),
       last_succeeded_at timestamptz,
       full_succeeded_at timestamptz,
       local_total bigint,
       remote_total bigint,
       counted_at timestamptz,
       -- A difference that survived a full pass, so that it is no reason for another one.
       known_difference bigint,
       primary key (tenant_id, integration_id, record_type),
       foreign key (tenant_id, integration_id) references integrations
     ) with (fillfactor = 70)`,

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
    `create index sync_statuses_by_integration on sync_statuses (tenant_id, integration_id, sync_status_id)`,

    `create table skipped_runs (
       tenant_id uuid not null,
       skipped_run_id uuid not null,
       integration_id uuid not null,
       schedule text not null check (schedule in ('hourly', 'nightly')),
       scheduled_at timestamptz not null,
       reason text not null check (reason in ('skipped_overlap', 'skipped_paused', 'skipped_needs_reauthorization', 'skipped_done_tonight')),
       sync_run_id uuid,
       at timestamptz not null,
       primary key (tenant_id, skipped_run_id)
     )`,
    `create index skipped_runs_by_integration on skipped_runs (tenant_id, integration_id, skipped_run_id)`,

    `create table deletion_reviews (
       tenant_id uuid not null,
       deletion_review_id uuid not null,
       integration_id uuid not null,
       sync_run_id uuid not null,
       record_type text not null,
       record_ids uuid[] not null,
       records_held bigint not null,
       state text not null check (state in ('pending', 'approved', 'discarded', 'superseded')),
       records_deleted bigint,
       decided_by text,
       decided_at timestamptz,
       created_at timestamptz not null,
       primary key (tenant_id, deletion_review_id)
     )`,
    `create unique index deletion_reviews_one_pending on deletion_reviews (tenant_id, integration_id, record_type) where state = 'pending'`,

    `create table known_record_types (
       tenant_id uuid not null,
       integration_id uuid not null,
       record_type text not null,
       label text not null,
       fields jsonb not null,
       seen_at timestamptz not null,
       removed_at timestamptz,
       primary key (tenant_id, integration_id, record_type),
       foreign key (tenant_id, integration_id) references integrations
     )`,
    `create table metadata_changes (
       tenant_id uuid not null,
       metadata_change_id uuid not null,
       integration_id uuid not null,
       sync_run_id uuid not null,
       record_type text not null,
       kind text not null check (kind in ('record_type_added', 'record_type_removed', 'field_added', 'field_removed', 'field_changed', 'value_added', 'value_removed')),
       field text,
       detail jsonb not null,
       at timestamptz not null,
       primary key (tenant_id, metadata_change_id)
     )`,
    `create index metadata_changes_by_integration on metadata_changes (tenant_id, integration_id, metadata_change_id)`,

    `create table sync_conflicts (
       tenant_id uuid not null,
       sync_conflict_id uuid not null,
       integration_id uuid not null,
       sync_run_id uuid not null,
       record_type text not null,
       remote_id text not null,
       -- null where it could not be told which of our records is meant.
       record_id uuid,
       kind text not null check (kind in ('field_changed_on_both_sides', 'ambiguous_match')),
       field text,
       ours jsonb,
       theirs jsonb,
       winner text check (winner in ('ours', 'theirs')),
       detail text not null,
       at timestamptz not null,
       primary key (tenant_id, sync_conflict_id)
     )`,
    `create index sync_conflicts_by_integration on sync_conflicts (tenant_id, integration_id, sync_conflict_id)`,

    // The records a full pass may match by a field, laid out once per pass instead of being looked for once per page.
    `create table match_keys (
       tenant_id uuid not null,
       sync_run_id uuid not null,
       record_type text not null,
       value text not null,
       record_id uuid not null
     )`,
    `create index match_keys_by_value on match_keys (tenant_id, sync_run_id, record_type, value)`,

    // One request budget per integration, shared by all workers and all kinds of work (rules.md 34).
    `create table rate_limits (
       tenant_id uuid not null,
       integration_id uuid not null,
       -- Requests per second that the third party seems to bear; null = no limit met yet.
       rate_per_second double precision,
       -- The rate at which it was slowed last.
       ceiling_per_second double precision,
       tokens double precision not null default 0,
       refilled_at timestamptz not null,
       slowed_at timestamptz,
       -- A window that rolls: shares of requests.
       requests_counted double precision not null default 0,
       counting_since timestamptz not null,
       -- What its headers said last.
       quota_limit double precision,
       quota_remaining double precision,
       quota_reported_at timestamptz,
       quota_resets_at timestamptz,
       primary key (tenant_id, integration_id),
       foreign key (tenant_id, integration_id) references integrations
     ) with (fillfactor = 50)`,

    `create table emails (
       tenant_id uuid not null,
       email_id uuid not null,
       kind text not null,
       recipient text not null,
       -- What its template is filled with; ids, names and counts.
       content jsonb not null,
       attempts integer not null default 0,
       last_error text,
       created_at timestamptz not null,
       sent_at timestamptz,
       failed_at timestamptz,
       primary key (tenant_id, email_id)
     )`,
  ];
}

function policies(): string[] {
  const ofTheTenant = `tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid)`;
  return [
    ...TENANT_TABLES.flatMap((table) => [
      `alter table ${table} enable row level security`,
      `alter table ${table} force row level security`,
      `create policy of_the_tenant on ${table} to syncline_app using (${ofTheTenant}) with check (${ofTheTenant})`,
    ]),
    ...['sync_runs', 'sync_jobs', 'emails'].map(
      (table) => `create policy of_the_dispatcher on ${table} to syncline_dispatcher using (true)`,
    ),
  ];
}

function grants(): string[] {
  const appendOnly = [
    'sync_record_errors',
    'sync_statuses',
    'skipped_runs',
    'metadata_changes',
    'sync_conflicts',
  ];
  const changeable = TENANT_TABLES.filter((table) => !appendOnly.includes(table));
  return [
    `grant select, insert, update on ${changeable.join(', ')} to syncline_app`,
    `grant select, insert on ${appendOnly.join(', ')} to syncline_app`,
    `grant delete on match_keys, sync_datasets, known_record_types, rate_limits to syncline_app`,
    `grant select (tenant_id, sync_run_id, integration_id, state, requested_at, started_at) on sync_runs to syncline_dispatcher`,
    `grant select (tenant_id, sync_run_id, state, waiting_until, updated_at) on sync_jobs to syncline_dispatcher`,
    `grant select (tenant_id, email_id, sent_at, failed_at, created_at) on emails to syncline_dispatcher`,
    `grant select (record_types) on integrations to syncline_dispatcher`,
  ];
}
