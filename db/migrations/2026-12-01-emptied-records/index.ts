/** Fields that are suddenly empty at the third party wait like missing records (rules.md 53). */
import { type Kysely, sql } from 'kysely';
import { tenantTable } from '../2026-11-28-baseline/access';

const statements = [
  `create table emptied_records (
     tenant_id uuid not null,
     integration_id uuid not null,
     record_type text not null,
     record_id uuid not null,
     fields text[] not null,
     -- The record as it was read; null = its emptied fields are applied.
     remote jsonb,
     at timestamptz not null,
     primary key (tenant_id, integration_id, record_type, record_id)
   )`,
  ...tenantTable('emptied_records', 'select, insert, update, delete'),
  `alter table deletion_reviews
     add column kind text not null default 'delete' check (kind in ('delete', 'empty')),
     add column fields text[] not null default '{}'`,
  `drop index deletion_reviews_one_pending`,
  `create unique index deletion_reviews_one_pending
     on deletion_reviews (tenant_id, integration_id, record_type, kind) where state = 'pending'`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
