/**
 * Erasing records and tenants (rules.md 62). The role syncline_eraser sees the rows of one tenant, as
 * syncline_app does, and may also change and delete rows of logs.
 */
import { type Kysely, sql } from 'kysely';
import { allTenants, erasable, protect, tenantTable } from '../2026-11-28-baseline/access';

/** Every table of that time with rows of tenants. A later table is listed by its own migration. */
const TABLES = [
  'api_keys',
  'audit_log',
  'background_tasks',
  'brake_counts',
  'company_syncs',
  'console_sessions',
  'deletion_reviews',
  'drifts',
  'emails',
  'emptied_records',
  'event_sequences',
  'events',
  'idempotency_keys',
  'integration_trials',
  'integrations',
  'match_keys',
  'metadata_changes',
  'missing_records',
  'notification_recipients',
  'notification_settings',
  'notifications',
  'operations',
  'outage_give_ups',
  'outbox',
  'overview_items',
  'overview_jobs',
  'overview_pages',
  'overviews',
  'people',
  'person_identities',
  'person_tokens',
  'push_reviews',
  'pushes',
  'rate_limits',
  'record_changes',
  'record_counts',
  'record_links',
  'record_syncs',
  'records',
  'remote_claims',
  'remote_record_types',
  'running_work',
  'skipped_runs',
  'stream_events',
  'sync_conflicts',
  'sync_datasets',
  'sync_jobs',
  'sync_pages',
  'sync_record_errors',
  'sync_run_pushes',
  'sync_runs',
  'sync_schedules',
  'sync_statuses',
  'tenant_keys',
  'tenants',
  'undeliverable_addresses',
  'webhook_attempts',
  'webhook_deliveries',
  'webhook_endpoints',
];

const statements = [
  // The row stays as the receipt: counts and ids without personal data. `search` is empty after the end.
  `create table erasures (
     tenant_id uuid not null,
     erasure_id uuid not null,
     state text not null,
     search jsonb not null,
     records integer not null default 0,
     -- By kind of data: what the preview found, and what was erased.
     found jsonb not null default '{}',
     erased jsonb not null default '{}',
     -- Per integration: what happens there, and how it ended.
     third_parties jsonb not null default '[]',
     -- How far the present state has read.
     progress jsonb,
     requested_by text not null,
     requested_at timestamptz not null,
     confirmed_by text,
     confirmed_at timestamptz,
     blocked_at timestamptz,
     finished_at timestamptz,
     lifted_at timestamptz,
     updated_at timestamptz not null,
     primary key (tenant_id, erasure_id)
   )`,
  `create index erasures_unfinished on erasures (erasure_id) where finished_at is null`,
  // What is still to be erased. Empty after the end.
  `create table erasure_items (
     tenant_id uuid not null,
     erasure_id uuid not null,
     record_id uuid not null,
     record_type text not null,
     external_id text not null,
     -- Remote ids and values by which other rows may name the record.
     remote_ids text[] not null default '{}',
     texts text[] not null default '{}',
     primary key (tenant_id, erasure_id, record_id)
   )`,
  // Keyed hashes of what must not come back.
  `create table erased_hashes (
     tenant_id uuid not null,
     hash bytea not null,
     erasure_id uuid not null,
     primary key (tenant_id, hash)
   )`,
  `create index erased_hashes_by_erasure on erased_hashes (tenant_id, erasure_id)`,
  // The encrypted key of these hashes.
  `create table erasure_keys (
     tenant_id uuid not null primary key,
     secret text not null
   )`,
  // What an erasure does with the record at the third party, whatever the mapping says.
  `alter table record_syncs add column erase_as text`,
  ...tenantTable('erasures', 'select, insert, update'),
  ...protect('erasure_items'),
  ...tenantTable('erased_hashes', 'select, delete'),
  ...tenantTable('erasure_keys', 'select, insert, update'),
  ...allTenants(
    'syncline_dispatcher',
    'erasures',
    'select (tenant_id, erasure_id, state, updated_at, finished_at)',
    'delete',
  ),
  ...allTenants('syncline_dispatcher', 'erasure_items', 'select (tenant_id, erasure_id)', 'delete'),
  ...[...TABLES, 'erasures', 'erasure_items', 'erased_hashes', 'erasure_keys'].flatMap(erasable),
  ...['erasure_items', 'erased_hashes', 'erasure_keys', 'tenant_keys', 'record_syncs', 'outbox'].map(
    (table) => `grant insert on ${table} to syncline_eraser`,
  ),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
