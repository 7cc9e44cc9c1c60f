/** Sync Overviews: what a sync would change, read page by page and kept until it is applied or invalid. */
import { allTenants, tenantTable } from './access';

const tables = [
  `create table overviews (
     tenant_id uuid not null,
     overview_id uuid not null,
     integration_id uuid not null,
     state text not null check (state in ('queued', 'running', 'ready', 'failed', 'canceled')),
     requested_by text not null,
     person_id uuid,
     requested_at timestamptz not null,
     generated_at timestamptz,
     -- Set once it is ready: 7 days after it was generated (rules.md 19).
     expires_at timestamptz,
     -- The Sync Now that applies it, from the moment the request was accepted.
     applied_sync_run_id uuid,
     invalid_at timestamptz,
     invalid_reason text check (invalid_reason in (
       'superseded_by_new_overview', 'superseded_by_other_admin', 'superseded_by_sync', 'applied', 'expired',
       'integration_deleted')),
     invalid_by text,
     replaced_by_overview_id uuid,
     replaced_by_sync_run_id uuid,
     data_deleted_at timestamptz,
     primary key (tenant_id, overview_id)
   )`,

  `create table overview_jobs (
     tenant_id uuid not null,
     overview_id uuid not null,
     record_type text not null,
     direction text not null check (direction in ('pull', 'push')),
     state text not null check (state in (
       'queued', 'running', 'waiting', 'succeeded', 'failed', 'not_supported')),
     cursor text,
     pages integer not null default 0,
     repeated_pages integer not null default 0,
     read_finished_at timestamptz,
     -- The last of Syncline's records that was compared.
     after_record_id uuid,
     -- push: what the record's payload was compared with.
     compared_with text check (compared_with in ('third_party', 'last_push')),
     expected_records integer,
     records_read integer not null default 0,
     creates integer not null default 0,
     updates integer not null default 0,
     deletes integer not null default 0,
     unchanged integer not null default 0,
     not_possible integer not null default 0,
     attempts integer not null default 0,
     failing_since timestamptz,
     waiting_until timestamptz,
     error jsonb,
     started_at timestamptz,
     finished_at timestamptz,
     updated_at timestamptz not null,
     primary key (tenant_id, overview_id, record_type, direction)
   )`,

  `create table overview_pages (
     tenant_id uuid not null,
     overview_id uuid not null,
     record_type text not null,
     direction text not null,
     page integer not null,
     ids_digest text not null,
     seen uuid[] not null,
     primary key (tenant_id, overview_id, record_type, direction, page)
   )`,

  `create table overview_items (
     tenant_id uuid not null,
     overview_id uuid not null,
     overview_item_id uuid not null,
     direction text not null,
     record_type text not null,
     action text not null check (action in ('create', 'update', 'delete', 'not_possible')),
     record_id uuid,
     external_id text,
     remote_id text,
     -- Version of the record when it was compared; null = it did not exist.
     base_version bigint,
     -- Hash of the remote record when it was compared.
     remote_hash text,
     -- Only the fields that differ.
     before jsonb,
     after jsonb,
     -- Why the change is not possible.
     reason text,
     outcome text check (outcome in ('applied', 'skipped')),
     -- Both ids and the values that would change, without the names of their fields.
     search_text text generated always as (lower(
       coalesce(external_id, '') || E'\\n' || coalesce(remote_id, '') || E'\\n' ||
       coalesce(jsonb_path_query_array(before, '$.*')::text, '') || E'\\n' ||
       coalesce(jsonb_path_query_array(after, '$.*')::text, ''))) stored,
     primary key (tenant_id, overview_id, overview_item_id)
   )`,
];

const indexes = [
  // Only the newest one can be valid (rules.md 19).
  `create unique index overviews_one_valid on overviews (tenant_id, integration_id)
     where invalid_at is null and applied_sync_run_id is null`,
  `create index overviews_by_integration on overviews (tenant_id, integration_id, overview_id)`,
  // For the sweeper, which looks for overviews that are stalled or whose data has expired.
  `create index overviews_with_data on overviews (requested_at) where data_deleted_at is null`,
  `create index overview_items_by_kind
     on overview_items (tenant_id, overview_id, direction, record_type, action, overview_item_id)`,
  `create index overview_items_by_remote on overview_items (tenant_id, overview_id, record_type, remote_id)
     where direction = 'pull'`,
  `create index overview_items_by_record on overview_items (tenant_id, overview_id, record_id)`,
  `create index overview_items_by_action
     on overview_items (tenant_id, overview_id, action, overview_item_id)`,
];

const access = [
  ...tenantTable('overviews', 'select, insert, update'),
  ...tenantTable('overview_jobs', 'select, insert, update, delete'),
  ...tenantTable('overview_pages', 'select, insert, update, delete'),
  ...tenantTable('overview_items', 'select, insert, update, delete'),

  ...allTenants(
    'syncline_dispatcher',
    'overviews',
    `select (tenant_id, overview_id, state, requested_at, expires_at, invalid_at, data_deleted_at)`,
  ),
];

export const overviews = [...tables, ...indexes, ...access];
