/**
 * Tenants, integrations, records, the state of every pair, the push log and the outbox.
 *
 * Every table of a tenant's starts its keys with tenant_id and is guarded by row-level security.
 * Three roles, none of which may log in, own anything or bypass a policy:
 *   syncline_app         one tenant at a time, the one in `app.tenant`
 *   syncline_dispatcher  all tenants, but only the outbox, the lanes' wake times, and what has to be tidied up
 *   syncline_platform    all tenants, but only what finds a tenant: tenants and API keys
 */
import { type Kysely, sql } from 'kysely';

const TENANT_TABLES = [
  'tenants',
  'tenant_keys',
  'api_keys',
  'idempotency_keys',
  'integrations',
  'records',
  'record_changes',
  'record_links',
  'record_syncs',
  'pushes',
  'outbox',
  'notifications',
  'audit_log',
  'stream_events',
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [...roles(), ...tables(), ...policies(), ...grants()])
    await sql.raw(statement).execute(db);
}

function roles(): string[] {
  // Roles belong to the whole cluster: another database may have made them already, perhaps at this very moment.
  return ['syncline_app', 'syncline_dispatcher', 'syncline_platform'].flatMap((role) => [
    `do $$ begin
       create role ${role} nologin nosuperuser nobypassrls nocreatedb nocreaterole;
     exception when duplicate_object or unique_violation then null; end $$`,
    // Since PostgreSQL 16 who creates a role without being superuser is its member, but may not yet SET ROLE to it.
    `do $$ begin
       if not pg_has_role(current_user, '${role}', case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end) then execute format('grant ${role} to %I', current_user); end if;
     exception when unique_violation then null; end $$`,
    `grant usage on schema public to ${role}`,
  ]);
}

function tables(): string[] {
  return [
    `create table tenants (
       tenant_id uuid primary key,
       name text not null,
       time_zone text not null,
       contact_email text,
       version integer not null default 1,
       created_at timestamptz not null default now(),
       updated_at timestamptz not null default now()
     )`,
    // One data key per tenant, wrapped by a key of ENCRYPTION_KEYS.
    `create table tenant_keys (
       tenant_id uuid not null references tenants,
       tenant_key_id uuid not null,
       wrapped_key text not null,
       created_at timestamptz not null default now(),
       primary key (tenant_id, tenant_key_id)
     )`,
    `create table api_keys (
       tenant_id uuid not null references tenants,
       api_key_id uuid not null,
       public_id text not null,
       secret_hash bytea not null,
       name text not null,
       role text not null check (role in ('viewer', 'operator', 'admin')),
       created_by text not null,
       created_at timestamptz not null default now(),
       expires_at timestamptz not null,
       revoked_at timestamptz,
       last_used_at timestamptz,
       primary key (tenant_id, api_key_id)
     )`,
    `create index api_keys_by_public_id on api_keys (public_id)`,
    `create table idempotency_keys (
       tenant_id uuid not null references tenants,
       idempotency_key text not null,
       fingerprint bytea not null,
       status integer not null,
       response jsonb not null,
       created_at timestamptz not null default now(),
       primary key (tenant_id, idempotency_key)
     )`,
    `create index idempotency_keys_by_age on idempotency_keys (created_at)`,
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
       version integer not null default 1,
       created_at timestamptz not null default now(),
       updated_at timestamptz not null default now(),
       deleted_at timestamptz,
       primary key (tenant_id, integration_id)
     )`,
    `create table records (
       tenant_id uuid not null references tenants,
       record_id uuid not null,
       record_type text not null,
       external_id text not null,
       version bigint not null,
       fields jsonb not null,
       occurred_at timestamptz not null,
       changed_at timestamptz not null,
       changed_by text not null,
       deleted_at timestamptz,
       created_at timestamptz not null,
       primary key (tenant_id, record_id),
       unique (tenant_id, record_type, external_id)
     ) with (fillfactor = 80)`,
    `create table record_changes (
       tenant_id uuid not null,
       record_id uuid not null,
       change_id uuid not null,
       version bigint not null,
       outcome text not null check (outcome in ('applied', 'stale')),
       is_delete boolean not null,
       changed_fields text[] not null,
       changed_by text not null,
       occurred_at timestamptz not null,
       changed_at timestamptz not null,
       request_id text not null,
       primary key (tenant_id, record_id, change_id)
     )`,
    `create table record_links (
       tenant_id uuid not null,
       integration_id uuid not null,
       record_id uuid not null,
       remote_id text not null,
       remote_version text,
       agreed jsonb not null,
       is_deactivated boolean not null,
       updated_at timestamptz not null,
       primary key (tenant_id, integration_id, record_id),
       foreign key (tenant_id, integration_id) references integrations
     ) with (fillfactor = 80)`,
    // The state of one pair. A window, a push under way and the last conclusion stand side by side; what people see
    // (status) and when the lane must look again (next_due_at) follow from them and are never written by hand.
    `create table record_syncs (
       tenant_id uuid not null,
       integration_id uuid not null,
       record_id uuid not null,
       relevant_version bigint not null,

       window_opened_at timestamptz,
       due_at timestamptz,
       window_reason text check (window_reason in ('quiet', 'max_wait', 'manual', 'retry', 'initial', 'mapping_changed')),
       window_fields text[] not null default '{}',
       window_changed_by text[] not null default '{}',
       is_backfill boolean not null default false,
       held_at timestamptz,
       held_by text,

       push_id uuid,
       push_version bigint,
       push_hash text,
       push_refusals integer not null default 0,
       is_push_failing boolean not null default false,
       claim_id uuid,
       lease_until timestamptz,
       next_attempt_at timestamptz,
       give_up_at timestamptz,

       result_status text check (result_status in ('synced', 'sync_failed')),
       result_version bigint,
       result_hash text,
       errors jsonb,
       last_push_id uuid,
       -- A creation whose answer was lost: it may have happened (docs/decisions/0005).
       unresolved_push_id uuid,
       last_synced_at timestamptz,
       discarded_at timestamptz,
       discarded_by text,

       status text generated always as (case
         when lease_until is not null then 'syncing'
         when window_opened_at is not null then 'sync_pending'
         when push_id is not null and is_push_failing then 'sync_failed'
         when push_id is not null then 'syncing'
         else result_status end) stored,
       next_due_at timestamptz generated always as (case
         when lease_until is not null then lease_until
         when held_at is not null then null
         when window_opened_at is not null then due_at
         else next_attempt_at end) stored,
       primary key (tenant_id, integration_id, record_id),
       foreign key (tenant_id, integration_id) references integrations,
       check ((window_opened_at is null) = (due_at is null)),
       check ((lease_until is null) = (claim_id is null)),
       check (lease_until is null or push_id is not null)
     ) with (fillfactor = 70)`,
    `create index record_syncs_by_record on record_syncs (tenant_id, record_id)`,
    // Edits first, backfills behind them (rules.md 15).
    `create index record_syncs_next_due on record_syncs (tenant_id, integration_id, is_backfill, next_due_at) where next_due_at is not null`,
    `create index record_syncs_by_status on record_syncs (tenant_id, status, integration_id, record_id) where status <> 'synced'`,
    // An integration is of one tenant: without knowing it the planner takes the two for independent, and a lane's rows for one or none.
    `create statistics record_syncs_of_integrations (dependencies) on tenant_id, integration_id from record_syncs`,
    `create table pushes (
       tenant_id uuid not null,
       push_id uuid not null,
       integration_id uuid not null,
       record_id uuid not null,
       record_version bigint not null,
       mapping_version integer not null,
       operation text not null check (operation in ('upsert', 'deactivate', 'delete', 'leave')),
       started_because text not null check (started_because in ('quiet', 'max_wait', 'manual', 'retry', 'initial', 'mapping_changed')),
       changed_fields text[] not null,
       changed_by text[] not null,
       payload jsonb,
       result text check (result in ('succeeded', 'failed', 'superseded', 'no_net_change', 'discarded', 'left', 'closed')),
       effect text check (effect in ('created', 'updated', 'deactivated', 'deleted', 'none')),
       remote_id text,
       errors jsonb,
       attempts integer not null,
       started_at timestamptz not null,
       last_attempt_at timestamptz,
       finished_at timestamptz,
       primary key (tenant_id, push_id)
     ) with (fillfactor = 60)`,
    `create index pushes_by_integration on pushes (tenant_id, integration_id, push_id)`,
    `create index pushes_by_record on pushes (tenant_id, record_id, push_id)`,
    `create table outbox (
       outbox_id bigint generated always as identity primary key,
       tenant_id uuid not null,
       topic text not null check (topic in ('record_push')),
       subject_id uuid not null,
       next_due_at timestamptz not null,
       leased_until timestamptz,
       created_at timestamptz not null default now()
     )`,
    `create table notifications (
       tenant_id uuid not null,
       notification_id uuid not null,
       kind text not null check (kind in ('integration_needs_reauthorization', 'integration_unavailable')),
       integration_id uuid not null,
       detail text not null,
       created_at timestamptz not null,
       resolved_at timestamptz,
       primary key (tenant_id, notification_id)
     )`,
    // One notification per episode, however many records and workers notice it (rules.md 10).
    `create unique index notifications_open_once on notifications (tenant_id, integration_id, kind) where resolved_at is null`,
    `create table audit_log (
       tenant_id uuid not null,
       audit_id uuid not null,
       actor text not null,
       action text not null,
       target text,
       detail jsonb not null,
       ip text,
       request_id text not null,
       at timestamptz not null default now(),
       primary key (tenant_id, audit_id)
     )`,
    // Filled at commit order by the transaction's id, so that a reader who waits for older transactions misses nothing.
    `create table stream_events (
       tenant_id uuid not null,
       stream_event_id bigint generated always as identity,
       transaction_id xid8 not null default pg_current_xact_id(),
       topic text not null,
       body jsonb not null,
       created_at timestamptz not null default now(),
       primary key (tenant_id, transaction_id, stream_event_id)
     )`,
    `create index stream_events_by_age on stream_events (created_at)`,
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
    ...['outbox', 'integrations', 'record_syncs', 'stream_events', 'idempotency_keys'].map(
      (table) => `create policy of_the_dispatcher on ${table} to syncline_dispatcher using (true)`,
    ),
    ...['tenants', 'api_keys', 'tenant_keys'].map(
      (table) => `create policy of_the_platform on ${table} to syncline_platform using (true)`,
    ),
  ];
}

function grants(): string[] {
  const appendOnly = ['audit_log', 'stream_events', 'outbox', 'record_changes'];
  const changeable = TENANT_TABLES.filter((table) => !appendOnly.includes(table));
  return [
    `grant select, insert, update on ${changeable.join(', ')} to syncline_app`,
    `grant delete on record_syncs, record_links, idempotency_keys to syncline_app`,
    `grant select, insert on ${appendOnly.join(', ')} to syncline_app`,
    `grant select, update, delete on outbox to syncline_dispatcher`,
    `grant select (tenant_id, integration_id, paused_at, needs_reauthorization_at, blocked_until, backfill_reason, deleted_at) on integrations to syncline_dispatcher`,
    `grant select (tenant_id, integration_id, is_backfill, next_due_at, window_opened_at, lease_until) on record_syncs to syncline_dispatcher`,
    `grant select (created_at), delete on stream_events, idempotency_keys to syncline_dispatcher`,
    `grant select on tenants to syncline_platform`,
    `grant select (tenant_id, api_key_id, public_id, secret_hash, role, name, expires_at, revoked_at, last_used_at) on api_keys to syncline_platform`,
    `grant update (last_used_at) on api_keys to syncline_platform`,
    `grant select, update on tenant_keys to syncline_platform`,
  ];
}
