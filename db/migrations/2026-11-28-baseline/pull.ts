/**
 * What a sync run reads: its jobs and pages, the state of each dataset, reviews of deletions and conflicts.
 */
import { allTenants, tenantTable } from './access';

const tables = [
  `create table sync_jobs (
     tenant_id uuid not null,
     sync_run_id uuid not null,
     -- '' = the job that reads metadata; else the record type of a dataset.
     record_type text not null,
     state text not null check (state in (
       'queued', 'running', 'waiting', 'succeeded', 'failed', 'canceled', 'not_supported')),
     -- null = everything is read.
     modified_since timestamptz,
     cursor text,
     pages integer not null default 0,
     repeated_pages integer not null default 0,
     -- The third party's clock when the first page was read: the next watermark.
     as_of timestamptz,
     -- Every page was read; missing records may still have to be deleted and both sides counted.
     read_finished_at timestamptz,
     -- Length of the whole list according to the last page.
     remote_total bigint,
     expected_records bigint,
     records_read bigint not null default 0,
     records_new bigint not null default 0,
     records_changed bigint not null default 0,
     records_deleted bigint not null default 0,
     records_unchanged bigint not null default 0,
     records_failed bigint not null default 0,
     -- Why missing records were not deleted although every page was read.
     deletes_withheld text check (deletes_withheld in ('list_changed', 'needs_review')),
     has_tombstones boolean not null default false,
     -- No record of the type was linked at the start, and every page so far held only new records.
     is_initial_load boolean not null default false,
     attempts integer not null default 0,
     failing_since timestamptz,
     is_last_attempt_failed boolean not null default false,
     error jsonb,
     waiting_until timestamptz,
     waiting_reason text
       check (waiting_reason in ('retry', 'outage', 'rate_limit', 'permits', 'paused', 'pushes')),
     started_at timestamptz,
     finished_at timestamptz,
     updated_at timestamptz not null,
     primary key (tenant_id, sync_run_id, record_type),
     foreign key (tenant_id, sync_run_id) references sync_runs
   ) with (fillfactor = 50)`,

  // A page that was applied: its checkpoint, what it changed and, until the job has ended, the records on it.
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
  // Random ids do not compress, and the arrays are always read whole.
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

  // The state of a dataset from one run to the next.
  `create table sync_datasets (
     tenant_id uuid not null,
     integration_id uuid not null,
     record_type text not null,
     watermark timestamptz,
     -- Queued by linking.
     is_initial boolean not null,
     -- How the first full read of an initial dataset ended; null = not yet, or not an initial one.
     initial_state text check (initial_state in ('succeeded', 'failed', 'not_supported')),
     last_succeeded_at timestamptz,
     full_succeeded_at timestamptz,
     local_total bigint,
     remote_total bigint,
     counted_at timestamptz,
     -- A difference that a full read confirmed: it does not bring forward another one.
     known_difference bigint,
     primary key (tenant_id, integration_id, record_type),
     foreign key (tenant_id, integration_id) references integrations
   ) with (fillfactor = 70)`,

  // Deletions above the threshold wait for a decision (rules.md 31).
  `create table deletion_reviews (
     tenant_id uuid not null,
     deletion_review_id uuid not null,
     integration_id uuid not null,
     sync_run_id uuid not null,
     record_type text not null,
     record_ids uuid[] not null,
     records_before bigint not null,
     state text not null check (state in ('pending', 'approved', 'discarded', 'superseded')),
     records_deleted bigint,
     decided_by text,
     decided_at timestamptz,
     created_at timestamptz not null,
     primary key (tenant_id, deletion_review_id)
   )`,

  `create table sync_conflicts (
     tenant_id uuid not null,
     sync_conflict_id uuid not null,
     integration_id uuid not null,
     sync_run_id uuid not null,
     record_type text not null,
     remote_id text not null,
     -- null = several records match, so the remote record was not linked.
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

  // The records that a full read may match by a field, collected once per job instead of once per page.
  `create table match_keys (
     tenant_id uuid not null,
     sync_run_id uuid not null,
     record_type text not null,
     value text not null,
     record_id uuid not null
   )`,
];

const indexes = [
  `create unique index deletion_reviews_one_pending
     on deletion_reviews (tenant_id, integration_id, record_type)
     where state = 'pending'`,
  `create index sync_conflicts_by_integration
     on sync_conflicts (tenant_id, integration_id, sync_conflict_id)`,
  `create index match_keys_by_value on match_keys (tenant_id, sync_run_id, record_type, value)`,
];

const access = [
  ...tenantTable('sync_jobs', 'select, insert, update'),
  ...tenantTable('sync_pages', 'select, insert, update'),
  ...tenantTable('sync_record_errors', 'select, insert'),
  ...tenantTable('sync_datasets', 'select, insert, update, delete'),
  ...tenantTable('deletion_reviews', 'select, insert, update'),
  ...tenantTable('sync_conflicts', 'select, insert'),
  ...tenantTable('match_keys', 'select, insert, update, delete'),

  ...allTenants(
    'syncline_dispatcher',
    'sync_jobs',
    `select (tenant_id, sync_run_id, state, waiting_until, updated_at)`,
  ),
];

export const pull = [...tables, ...indexes, ...access];
