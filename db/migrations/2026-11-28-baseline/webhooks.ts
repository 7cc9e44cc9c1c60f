/** Events, webhook endpoints, and every delivery with its attempts. */
import { PLATFORM_TENANT_ID } from '../../tables/tenants';
import { allTenants, tenantTable } from './access';

const tables = [
  // The last sequence number of each tenant. Events are numbered in the order of commits.
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
     -- The body that receivers get.
     payload jsonb not null,
     created_at timestamptz not null,
     primary key (tenant_id, event_id)
   )`,

  `create table webhook_endpoints (
     -- ${PLATFORM_TENANT_ID} for an endpoint of the platform, which receives the events of all tenants.
     tenant_id uuid not null,
     webhook_endpoint_id uuid not null,
     url text not null,
     description text not null,
     -- null = all.
     event_types text[],
     integration_ids uuid[],
     rate_per_second integer,
     -- Encrypted, the newest first. Older secrets also sign until they expire (rules.md 44).
     secrets jsonb not null,
     disabled_at timestamptz,
     disabled_reason text check (disabled_reason in ('manual', 'gone', 'failing')),
     -- Every attempt since then has failed; a success resets it (rules.md 45).
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
     -- The event's tenant, also where the endpoint is the platform's.
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
     -- Truncated.
     response_body text,
     primary key (tenant_id, webhook_delivery_id, attempt)
   )`,
];

const indexes = [
  `create unique index events_by_sequence on events (tenant_id, sequence)`,
  `create index events_by_age on events (created_at)`,
  // An endpoint queue knows its endpoint's id but not its tenant.
  `create index webhook_endpoints_by_id on webhook_endpoints (webhook_endpoint_id)`,
  `create index webhook_deliveries_due on webhook_deliveries (webhook_endpoint_id, next_attempt_at)
     where next_attempt_at is not null`,
  `create index webhook_deliveries_by_endpoint
     on webhook_deliveries (webhook_endpoint_id, webhook_delivery_id)`,
  `create index webhook_deliveries_by_event on webhook_deliveries (tenant_id, event_id)`,
];

const access = [
  ...tenantTable('event_sequences', 'select, insert, update'),
  ...tenantTable('events', 'select, insert'),
  ...tenantTable('webhook_endpoints', 'select, insert, update'),
  ...tenantTable('webhook_deliveries', 'select, insert, update'),
  ...tenantTable('webhook_attempts', 'select, insert'),
  // A tenant's event is also delivered to the platform's endpoints, so the transaction that writes it must
  // see them.
  `create policy platform_endpoints on webhook_endpoints for select to syncline_app
     using (tenant_id = '${PLATFORM_TENANT_ID}')`,

  ...allTenants('syncline_webhooks', 'events', 'select'),
  ...allTenants('syncline_webhooks', 'webhook_endpoints', 'select, insert, update'),
  ...allTenants('syncline_webhooks', 'webhook_deliveries', 'select, insert, update'),
  ...allTenants('syncline_webhooks', 'webhook_attempts', 'select, insert, update'),

  ...allTenants('syncline_dispatcher', 'events', 'select (tenant_id, event_id, created_at), delete'),
  ...allTenants(
    'syncline_dispatcher',
    'webhook_endpoints',
    'select (tenant_id, webhook_endpoint_id, blocked_until)',
  ),
  ...allTenants(
    'syncline_dispatcher',
    'webhook_deliveries',
    `select (tenant_id, webhook_delivery_id, webhook_endpoint_id, event_id, next_attempt_at, lease_until,
       created_at)`,
    `delete`,
  ),
  ...allTenants(
    'syncline_dispatcher',
    'webhook_attempts',
    'select (tenant_id, webhook_delivery_id)',
    'delete',
  ),
];

export const webhooks = [...tables, ...indexes, ...access];
