/** Records, their links to third parties, the record syncs that push them, and the push log. */
import { allTenants, tenantTable } from './access';

const tables = [
  // No foreign key to tenants: checking it takes as long as writing the row.
  `create table records (
     tenant_id uuid not null,
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

  // No foreign key to integrations: checking it takes as long as writing the row, and integrations are never
  // erased.
  `create table record_links (
     tenant_id uuid not null,
     integration_id uuid not null,
     record_id uuid not null,
     record_type text not null,
     remote_id text not null,
     remote_key bigint not null generated always as
       (hashtextextended(integration_id::text || ' ' || record_type || ' ' || remote_id, 0)) stored,
     remote_version text,
     -- Hash of the remote record when it was last read; null = not read since it changed.
     remote_hash text,
     -- The last payload that both sides had; null where the integration only pulls.
     agreed jsonb,
     is_deactivated boolean not null,
     updated_at timestamptz not null,
     primary key (tenant_id, integration_id, record_id)
   ) with (fillfactor = 80)`,

  // One row per record and integration: an open debounce window, a push in progress and the last result.
  // status (shown to people) and next_due_at (read by the push queue) are generated and never written.
  `create table record_syncs (
     tenant_id uuid not null,
     integration_id uuid not null,
     record_id uuid not null,
     relevant_version bigint not null,

     window_opened_at timestamptz,
     due_at timestamptz,
     window_reason text
       check (window_reason in ('quiet', 'max_wait', 'manual', 'retry', 'initial', 'mapping_changed')),
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
     -- A creation whose response was lost: the remote record may exist (docs/decisions/0005).
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

  `create table pushes (
     tenant_id uuid not null,
     push_id uuid not null,
     integration_id uuid not null,
     record_id uuid not null,
     record_version bigint not null,
     mapping_version integer not null,
     operation text not null check (operation in ('upsert', 'deactivate', 'delete', 'leave')),
     started_because text not null
       check (started_because in ('quiet', 'max_wait', 'manual', 'retry', 'initial', 'mapping_changed')),
     changed_fields text[] not null,
     changed_by text[] not null,
     payload jsonb,
     result text check (result in (
       'succeeded', 'failed', 'superseded', 'no_net_change', 'discarded', 'left', 'closed')),
     effect text check (effect in ('created', 'updated', 'deactivated', 'deleted', 'none')),
     remote_id text,
     errors jsonb,
     attempts integer not null,
     started_at timestamptz not null,
     last_attempt_at timestamptz,
     finished_at timestamptz,
     primary key (tenant_id, push_id)
   ) with (fillfactor = 60)`,
];

const indexes = [
  // The key leads: an index that began with tenant_id looks like the primary key to a planner without
  // statistics of that tenant, which then walks all links of the tenant.
  `create index record_links_by_remote on record_links (remote_key, tenant_id)`,
  `create index record_syncs_by_record on record_syncs (tenant_id, record_id)`,
  // Edits first, backfills after them (rules.md 15).
  `create index record_syncs_next_due on record_syncs (tenant_id, integration_id, is_backfill, next_due_at)
     where next_due_at is not null`,
  `create index record_syncs_by_status on record_syncs (tenant_id, status, integration_id, record_id)
     where status <> 'synced'`,
  // An integration belongs to one tenant. Without this the planner multiplies both selectivities and expects
  // one row.
  `create statistics record_syncs_of_integrations (dependencies)
     on tenant_id, integration_id from record_syncs`,
  `create index pushes_by_integration on pushes (tenant_id, integration_id, push_id)`,
  `create index pushes_by_record on pushes (tenant_id, record_id, push_id)`,
];

const access = [
  ...tenantTable('records', 'select, insert, update'),
  ...tenantTable('record_changes', 'select, insert'),
  ...tenantTable('record_links', 'select, insert, update, delete'),
  ...tenantTable('record_syncs', 'select, insert, update, delete'),
  ...tenantTable('pushes', 'select, insert, update'),

  ...allTenants(
    'syncline_dispatcher',
    'record_syncs',
    `select (tenant_id, integration_id, is_backfill, next_due_at, window_opened_at, lease_until)`,
  ),
];

export const records = [...tables, ...indexes, ...access];
