/** The outbox, the audit log, the change feed of the console, idempotency keys and data keys. */
import { allTenants, tenantTable } from './access';

const tables = [
  // One data key per tenant, wrapped by a key of ENCRYPTION_KEYS. The platform, which is no tenant, has one
  // too.
  `create table tenant_keys (
     tenant_id uuid not null,
     tenant_key_id uuid not null,
     wrapped_key text not null,
     created_at timestamptz not null default now(),
     primary key (tenant_id, tenant_key_id)
   )`,

  // The platform's requests are kept here as well, so tenant_id does not reference tenants.
  `create table idempotency_keys (
     tenant_id uuid not null,
     idempotency_key text not null,
     fingerprint bytea not null,
     status integer not null,
     response jsonb not null,
     created_at timestamptz not null default now(),
     primary key (tenant_id, idempotency_key)
   )`,

  // Signals and workflow starts that the dispatcher passes on to Temporal; OutboxMessage lists the topics.
  `create table outbox (
     outbox_id bigint generated always as identity primary key,
     tenant_id uuid not null,
     topic text not null,
     subject_id uuid not null,
     next_due_at timestamptz not null,
     leased_until timestamptz,
     created_at timestamptz not null default now()
   )`,

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

  // Read in the order of transaction ids: a reader that waits for older transactions misses no event.
  `create table stream_events (
     tenant_id uuid not null,
     stream_event_id bigint generated always as identity,
     transaction_id xid8 not null default pg_current_xact_id(),
     topic text not null,
     body jsonb not null,
     created_at timestamptz not null default now(),
     primary key (tenant_id, transaction_id, stream_event_id)
   )`,
];

const indexes = [
  `create index idempotency_keys_by_age on idempotency_keys (created_at)`,
  `create index stream_events_by_age on stream_events (created_at)`,
];

const access = [
  ...tenantTable('tenant_keys', 'select, insert, update'),
  ...tenantTable('idempotency_keys', 'select, insert, update, delete'),
  ...tenantTable('outbox', 'select, insert'),
  ...tenantTable('audit_log', 'select, insert'),
  ...tenantTable('stream_events', 'select, insert'),

  ...allTenants('syncline_platform', 'tenant_keys', 'select, update'),
  ...allTenants('syncline_dispatcher', 'outbox', 'select, update, delete'),
  ...allTenants('syncline_dispatcher', 'stream_events', 'select (created_at), delete'),
  ...allTenants('syncline_dispatcher', 'idempotency_keys', 'select (created_at), delete'),
  ...allTenants('syncline_webhooks', 'outbox', 'select, insert'),
];

export const platform = [...tables, ...indexes, ...access];
