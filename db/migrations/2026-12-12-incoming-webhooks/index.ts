/**
 * Webhooks of third parties: an address per integration, the records that they named and that are not read
 * yet, and how many changes a run found that no webhook had announced.
 */
import { type Kysely, sql } from 'kysely';
import { createIndex } from '../concurrent-indexes';
import { allTenants, erasable, tenantTable } from '../2026-11-28-baseline/access';

const statements = [
  `create table incoming_addresses (
     tenant_id uuid not null,
     integration_id uuid not null,
     -- SHA-256 of the secret part of the address.
     token_hash bytea not null,
     -- What the third party signs with, encrypted; null = not given yet.
     secret text,
     created_at timestamptz not null,
     -- Of the last call that was verified.
     received_at timestamptz,
     -- Of the last call that was refused.
     refused_at timestamptz,
     primary key (tenant_id, integration_id)
   )`,
  `create unique index incoming_addresses_by_token on incoming_addresses (token_hash)`,
  ...tenantTable('incoming_addresses', 'select, insert, update, delete'),
  ...allTenants('syncline_platform', 'incoming_addresses', 'select (tenant_id, integration_id, token_hash)'),
  ...erasable('incoming_addresses'),
  `create table incoming_changes (
     tenant_id uuid not null,
     integration_id uuid not null,
     record_type text not null,
     -- Empty: the whole record type is read for what was modified.
     remote_id text not null,
     first_at timestamptz not null,
     last_at timestamptz not null,
     -- Reads it; null = no run does yet.
     sync_run_id uuid,
     primary key (tenant_id, integration_id, record_type, remote_id)
   )`,
  `create index incoming_changes_waiting on incoming_changes (integration_id, first_at)
     where sync_run_id is null`,
  ...tenantTable('incoming_changes', 'select, insert, update, delete'),
  ...allTenants(
    'syncline_dispatcher',
    'incoming_changes',
    'select (tenant_id, integration_id, first_at, sync_run_id)',
  ),
  ...erasable('incoming_changes'),
  // null = no webhooks were expected.
  `alter table sync_jobs add column webhooks_missed integer`,
  `alter table sync_runs drop constraint sync_runs_kind_check`,
  // The rows until now are of the kinds until now: they need no check, which would read all of them.
  `alter table sync_runs add constraint sync_runs_kind_check check (kind in (
     'onboarding', 'hourly', 'nightly', 'sign_in', 'last_day', 'incremental', 'full', 'drift_repair',
     'sync_now', 'webhook')) not valid`,
  // A run for webhooks queues beside another one, as a Sync Now does.
  createIndex('sync_runs_one_waiting'),
  createIndex('sync_runs_one_webhook'),
  `drop index sync_runs_one_queued`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
