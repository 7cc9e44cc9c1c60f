/**
 * Sync Overview and Sync Now: what a sync would do, kept as a snapshot; the runs that apply it; and who waits for which of them.
 */
import { type Kysely, sql } from 'kysely';

const TENANT_TABLES = [
  'operations',
  'overviews',
  'overview_jobs',
  'overview_pages',
  'overview_items',
  'sync_run_pushes',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [...changes(), ...tables(), ...policies(), ...grants()])
    await sql.raw(statement).execute(db);
}

function changes(): string[] {
  return [
    `alter table outbox drop constraint outbox_topic_check`,
    `alter table outbox add constraint outbox_topic_check check (topic in
       ('record_push', 'sync_run', 'sync_schedule', 'email', 'webhook_endpoint', 'overview', 'notification'))`,
    `alter table sync_runs drop constraint sync_runs_kind_check`,
    `alter table sync_runs add constraint sync_runs_kind_check check (kind in
       ('onboarding', 'hourly', 'nightly', 'sign_in', 'last_day', 'incremental', 'full', 'drift_repair', 'sync_now'))`,
    `alter table sync_jobs drop constraint sync_jobs_waiting_reason_check`,
    `alter table sync_jobs add constraint sync_jobs_waiting_reason_check check (waiting_reason in ('retry', 'outage', 'rate_limit', 'budget', 'paused', 'pushes'))`,
    // The snapshot that this run applies; null = what it finds.
    `alter table sync_runs add column overview_id uuid`,
    // A Sync Now does what no other run does: it waits beside whatever else waits.
    `drop index sync_runs_one_queued`,
    `create unique index sync_runs_one_queued on sync_runs (tenant_id, integration_id) where state = 'queued' and kind <> 'sync_now'`,
    `create unique index sync_runs_one_sync_now on sync_runs (tenant_id, integration_id, coalesce(overview_id, sync_run_id)) where state = 'queued' and kind = 'sync_now'`,
  ];
}

function tables(): string[] {
  return [
    // Somebody asked for an overview or a Sync Now and wants to know how it ended (rules.md 18).
    `create table operations (
       tenant_id uuid not null,
       operation_id uuid not null,
       kind text not null check (kind in ('overview', 'sync_now')),
       integration_id uuid not null,
       overview_id uuid,
       sync_run_id uuid,
       requested_by text not null,
       person_id uuid,
       requested_at timestamptz not null,
       ended_at timestamptz,
       -- The answer with the result has left.
       answered_at timestamptz,
       primary key (tenant_id, operation_id),
       check ((overview_id is null) <> (sync_run_id is null))
     )`,
    `create index operations_by_overview on operations (tenant_id, overview_id) where overview_id is not null`,
    `create index operations_by_sync_run on operations (tenant_id, sync_run_id) where sync_run_id is not null`,

    `create table overviews (
       tenant_id uuid not null,
       overview_id uuid not null,
       integration_id uuid not null,
       state text not null check (state in ('queued', 'running', 'ready', 'failed', 'canceled')),
       requested_by text not null,
       person_id uuid,
       requested_at timestamptz not null,
       generated_at timestamptz,
       -- Only of one that is ready: 7 days after it was generated.
       expires_at timestamptz,
       -- The sync_now that applies it, from the moment it was accepted.
       applied_sync_run_id uuid,
       invalid_at timestamptz,
       invalid_reason text check (invalid_reason in ('superseded_by_new_overview', 'superseded_by_other_admin', 'superseded_by_sync', 'applied', 'expired', 'integration_deleted')),
       invalid_by text,
       replaced_by_overview_id uuid,
       replaced_by_sync_run_id uuid,
       data_deleted_at timestamptz,
       primary key (tenant_id, overview_id)
     )`,
    // The newest one alone can be valid (rules.md 19).
    `create unique index overviews_one_valid on overviews (tenant_id, integration_id) where invalid_at is null and applied_sync_run_id is null`,
    `create index overviews_by_integration on overviews (tenant_id, integration_id, overview_id)`,
    // What is queued, running or holds data: the sweep looks after it.
    `create index overviews_alive on overviews (requested_at) where data_deleted_at is null`,

    `create table overview_jobs (
       tenant_id uuid not null,
       overview_id uuid not null,
       record_type text not null,
       direction text not null check (direction in ('pull', 'push')),
       state text not null check (state in ('queued', 'running', 'waiting', 'succeeded', 'failed', 'not_supported')),
       cursor text,
       pages integer not null default 0,
       repeated_pages integer not null default 0,
       read_finished_at timestamptz,
       -- Of our own records, the last one that was looked at.
       after_record_id uuid,
       -- push: what ours was compared with.
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
       -- Ours when it was looked at; null = there was none.
       base_version bigint,
       -- Theirs when it was looked at.
       remote_hash text,
       -- Of the fields that differ.
       before jsonb,
       after jsonb,
       -- Why nothing can be done about it.
       reason text,
       outcome text check (outcome in ('applied', 'skipped')),
       primary key (tenant_id, overview_id, overview_item_id)
     )`,
    `create index overview_items_by_kind on overview_items (tenant_id, overview_id, direction, record_type, action, overview_item_id)`,
    `create index overview_items_by_remote on overview_items (tenant_id, overview_id, record_type, remote_id) where direction = 'pull'`,
    `create index overview_items_by_record on overview_items (tenant_id, overview_id, record_id)`,

    // The pairs that a Sync Now made due, until each has ended.
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
    `create policy of_the_dispatcher on overviews to syncline_dispatcher using (true)`,
  ];
}

function grants(): string[] {
  return [
    `grant select, insert, update, delete on overview_jobs, overview_pages, overview_items, sync_run_pushes to syncline_app`,
    `grant select, insert, update on operations, overviews to syncline_app`,
    `grant select (tenant_id, overview_id, state, requested_at, expires_at, invalid_at, data_deleted_at) on overviews to syncline_dispatcher`,
  ];
}
