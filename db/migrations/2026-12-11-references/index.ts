/**
 * References between records (docs/decisions/0033): what a push waits for, and what a pull could not name
 * yet. Processes of the former release neither read nor write these tables.
 */
import { type Kysely, sql } from 'kysely';
import { erasable, tenantTable } from '../2026-11-28-baseline/access';

const statements = [
  // One row for each record that a field of a pushed record refers to.
  `create table push_references (
     tenant_id uuid not null,
     integration_id uuid not null,
     record_id uuid not null,
     -- In the mapping of the record.
     place text not null,
     -- The record that it refers to.
     record_type text not null,
     external_id text not null,
     -- null = there is no such record.
     target_id uuid,
     field text not null,
     -- sent: with this remote id; waiting: the push waits; left_out: goes out first without it;
     -- missing: the push has failed.
     state text not null check (state in ('sent', 'waiting', 'left_out', 'missing')),
     remote_id text,
     -- When the push was due before it waited, and when it looks again by itself.
     due_at timestamptz,
     waits_until timestamptz,
     primary key (tenant_id, integration_id, record_id, place, record_type, external_id)
   )`,
  `create index push_references_by_target on push_references
     (tenant_id, integration_id, record_type, external_id, record_id)`,
  ...tenantTable('push_references', 'select, insert, update, delete'),
  ...erasable('push_references'),

  // One row for each remote id in a pulled record that no record here is linked to.
  `create table reference_promises (
     tenant_id uuid not null,
     integration_id uuid not null,
     record_id uuid not null,
     field text not null,
     place text not null,
     -- Of the record that the field names.
     record_type text not null,
     remote_id text not null,
     -- The value of the field, with the ids of ours that were known.
     value jsonb not null,
     -- Of the record as it was stored: a later edit of the field ends the promise.
     record_version bigint not null,
     -- The run that read it.
     sync_run_id uuid not null,
     primary key (tenant_id, integration_id, record_id, place, record_type, remote_id)
   )`,
  `create index reference_promises_by_target on reference_promises
     (tenant_id, integration_id, record_type, remote_id, record_id)`,
  ...tenantTable('reference_promises', 'select, insert, update, delete'),
  ...erasable('reference_promises'),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
