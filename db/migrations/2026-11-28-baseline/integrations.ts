/** Integrations, their rate limits, and the record types and fields that the third party describes. */
import { allTenants, tenantTable } from './access';

const tables = [
  `create table integrations (
     tenant_id uuid not null references tenants,
     integration_id uuid not null,
     connector text not null,
     app text not null,
     account_name text not null,
     config jsonb not null,
     record_types jsonb not null,
     mapping_version integer not null default 1,
     credentials text,
     credentials_updated_at timestamptz,
     grace_period_ms integer not null,
     max_wait_ms integer,
     initial_push text not null check (initial_push in ('all', 'none')),

     paused_at timestamptz,
     needs_reauthorization_at timestamptz,
     blocked_until timestamptz,
     blocked_reason text check (blocked_reason in ('outage', 'rate_limit')),
     blocked_detail text,
     outage_since timestamptz,
     failed_probes integer not null default 0,
     last_check jsonb,

     backfill_reason text check (backfill_reason in ('initial', 'mapping_changed')),
     backfill_cursor uuid,

     -- Null until the initial datasets are complete. Push-only integrations have no onboarding lock (rules.md
     -- 33).
     onboarding_started_at timestamptz,
     onboarded_at timestamptz,
     onboarding_failed_at timestamptz,
     -- FIRST_SYNC_COMPLETE is sent once per integration (rules.md 39).
     first_sync_completed_at timestamptz,
     -- Fixed at linking: a later change of the tenant's policy does not affect a sync in flight (rules.md
     -- 42).
     company_synchronized_policy text
       check (company_synchronized_policy in ('all_datasets', 'first_dataset')),
     is_hourly_sync_on boolean not null default true,
     nightly_sync_at text default '02:00' check (nightly_sync_at ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),

     version integer not null default 1,
     created_at timestamptz not null default now(),
     updated_at timestamptz not null default now(),
     deleted_at timestamptz,
     primary key (tenant_id, integration_id)
   )`,

  // One rate limiter per integration, shared by all workers and all kinds of work (rules.md 34).
  `create table rate_limits (
     tenant_id uuid not null,
     integration_id uuid not null,
     -- The rate that the third party seems to accept; null = no limit was met yet.
     rate_per_second double precision,
     -- The rate at which it last asked to slow down.
     ceiling_per_second double precision,
     tokens double precision not null default 0,
     refilled_at timestamptz not null,
     slowed_at timestamptz,
     -- Requests of a sliding window, so fractions of requests occur.
     requests_counted double precision not null default 0,
     counting_since timestamptz not null,
     -- From the third party's latest quota headers.
     quota_limit double precision,
     quota_remaining double precision,
     quota_reported_at timestamptz,
     quota_resets_at timestamptz,
     primary key (tenant_id, integration_id),
     foreign key (tenant_id, integration_id) references integrations
   ) with (fillfactor = 50)`,

  `create table remote_record_types (
     tenant_id uuid not null,
     integration_id uuid not null,
     record_type text not null,
     label text not null,
     fields jsonb not null,
     read_at timestamptz not null,
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
     kind text not null check (kind in (
       'record_type_added', 'record_type_removed', 'field_added', 'field_removed', 'field_changed',
       'value_added', 'value_removed')),
     field text,
     detail jsonb not null,
     at timestamptz not null,
     primary key (tenant_id, metadata_change_id)
   )`,
];

const indexes = [
  `create index metadata_changes_by_integration
     on metadata_changes (tenant_id, integration_id, metadata_change_id)`,
];

const access = [
  ...tenantTable('integrations', 'select, insert, update'),
  ...tenantTable('rate_limits', 'select, insert, update, delete'),
  ...tenantTable('remote_record_types', 'select, insert, update, delete'),
  ...tenantTable('metadata_changes', 'select, insert'),

  ...allTenants(
    'syncline_dispatcher',
    'integrations',
    `select (tenant_id, integration_id, record_types, paused_at, needs_reauthorization_at, blocked_until,
       backfill_reason, deleted_at)`,
  ),
];

export const integrations = [...tables, ...indexes, ...access];
