/**
 * Events and webhooks: what happened, who wants to be told, every delivery and every attempt at it.
 *
 * One role more: syncline_webhooks sees all tenants, but only events on their way out, because an endpoint of the platform is told of
 * all tenants and has one lane.
 */
import { type Kysely, sql } from 'kysely';

const TENANT_TABLES = [
  'events',
  'event_sequences',
  'webhook_endpoints',
  'webhook_deliveries',
  'webhook_attempts',
  'company_syncs',
];
/** The owner of endpoints that are told of all tenants. */
const PLATFORM = '00000000-0000-0000-0000-000000000000';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [...role(), ...changes(), ...tables(), ...policies(), ...grants()])
    await sql.raw(statement).execute(db);
}

function role(): string[] {
  return [
    `do $$ begin
       create role syncline_webhooks nologin nosuperuser nobypassrls nocreatedb nocreaterole;
     exception when duplicate_object or unique_violation then null; end $$`,
    `do $$ begin
       if not pg_has_role(current_user, 'syncline_webhooks', case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end) then execute format('grant syncline_webhooks to %I', current_user); end if;
     exception when unique_violation then null; end $$`,
    `grant usage on schema public to syncline_webhooks`,
  ];
}

function changes(): string[] {
  return [
    `alter table outbox drop constraint outbox_topic_check`,
    `alter table outbox add constraint outbox_topic_check check (topic in ('record_push', 'sync_run', 'sync_schedule', 'email', 'webhook_endpoint'))`,
    // FIRST_SYNC_COMPLETE is told once for ever (rules.md 39).
    `alter table integrations add column first_sync_completed_at timestamptz`,
    // Pinned when it was linked, so that a switch never changes a sync in flight (rules.md 42).
    `alter table integrations add column company_synchronized_policy text check (company_synchronized_policy in ('all_datasets', 'first_dataset'))`,
    `alter table tenants add column company_synchronized_policy text not null default 'all_datasets' check (company_synchronized_policy in ('all_datasets', 'first_dataset'))`,
  ];
}

function tables(): string[] {
  return [
    // Per tenant, in the order of their commits.
    `create table event_sequences (
       tenant_id uuid primary key,
       last_sequence bigint not null
     )`,
    `create table events (
       tenant_id uuid not null,
       event_id uuid not null,
       sequence bigint not null,
       type text not null,
       integration_id uuid,
       -- The body as receivers get it.
       payload jsonb not null,
       created_at timestamptz not null,
       primary key (tenant_id, event_id)
     )`,
    `create unique index events_by_sequence on events (tenant_id, sequence)`,
    `create index events_by_age on events (created_at)`,
    `create table webhook_endpoints (
       -- ${PLATFORM}: of the platform.
       tenant_id uuid not null,
       webhook_endpoint_id uuid not null,
       url text not null,
       description text not null,
       -- null = all.
       event_types text[],
       integration_ids uuid[],
       rate_per_second integer,
       -- Sealed; the newest first. Those before it sign along until they expire (rules.md 44).
       secrets jsonb not null,
       disabled_at timestamptz,
       disabled_reason text check (disabled_reason in ('by_hand', 'gone', 'failing')),
       -- Nothing but failures since; any success resets it (rules.md 45).
       failing_since timestamptz,
       failed_attempts integer not null default 0,
       failed_messages integer not null default 0,
       warned_at timestamptz,
       blocked_until timestamptz,
       version integer not null default 1,
       created_at timestamptz not null,
       updated_at timestamptz not null,
       deleted_at timestamptz,
       primary key (tenant_id, webhook_endpoint_id)
     )`,
    `create table webhook_deliveries (
       -- Of the event.
       tenant_id uuid not null,
       webhook_delivery_id uuid not null,
       webhook_endpoint_id uuid not null,
       event_id uuid not null,
       state text not null check (state in ('pending', 'retrying', 'delivered', 'failed', 'disabled')),
       trigger text not null check (trigger in ('event', 'resend', 'recover', 'test')),
       attempts integer not null default 0,
       next_attempt_at timestamptz,
       claim_id uuid,
       lease_until timestamptz,
       last_status integer,
       last_error text,
       created_at timestamptz not null,
       finished_at timestamptz,
       primary key (tenant_id, webhook_delivery_id)
     ) with (fillfactor = 70)`,
    `create index webhook_deliveries_due on webhook_deliveries (webhook_endpoint_id, next_attempt_at) where next_attempt_at is not null`,
    `create index webhook_deliveries_by_endpoint on webhook_deliveries (webhook_endpoint_id, webhook_delivery_id)`,
    `create index webhook_deliveries_by_event on webhook_deliveries (tenant_id, event_id)`,
    `create table webhook_attempts (
       tenant_id uuid not null,
       webhook_delivery_id uuid not null,
       attempt integer not null,
       at timestamptz not null,
       duration_ms integer not null,
       status integer,
       error text,
       request_headers jsonb not null,
       response_headers jsonb,
       -- Cut.
       response_body text,
       primary key (tenant_id, webhook_delivery_id, attempt)
     )`,
    // One set of datasets queued by linking, told of once (rules.md 41).
    `create table company_syncs (
       tenant_id uuid primary key,
       synchronized_at timestamptz,
       failed_at timestamptz
     )`,
  ];
}

function policies(): string[] {
  const current = `(select nullif(current_setting('app.tenant', true), '')::uuid)`;
  return [
    ...TENANT_TABLES.flatMap((table) => [
      `alter table ${table} enable row level security`,
      `alter table ${table} force row level security`,
      `create policy of_the_tenant on ${table} to syncline_app using (tenant_id = ${current}) with check (tenant_id = ${current})`,
    ]),
    // Whoever tells of an event has to know that the platform wants to be told.
    `create policy of_the_platform on webhook_endpoints for select to syncline_app using (tenant_id = '${PLATFORM}')`,
    ...['events', 'webhook_endpoints', 'webhook_deliveries', 'webhook_attempts', 'outbox'].map(
      (table) =>
        `create policy of_the_courier on ${table} to syncline_webhooks using (true) with check (true)`,
    ),
    `create policy of_the_dispatcher on webhook_deliveries to syncline_dispatcher using (true)`,
  ];
}

function grants(): string[] {
  return [
    `grant select, insert on events, webhook_attempts to syncline_app`,
    `grant select, insert, update on event_sequences, webhook_endpoints, webhook_deliveries, company_syncs to syncline_app`,
    `grant select on events to syncline_webhooks`,
    `grant select, insert, update on webhook_endpoints, webhook_deliveries, webhook_attempts to syncline_webhooks`,
    `grant select, insert on outbox to syncline_webhooks`,
    `grant select (tenant_id, webhook_endpoint_id, next_attempt_at) on webhook_deliveries to syncline_dispatcher`,
    `grant select (created_at), delete on events to syncline_dispatcher`,
  ];
}
