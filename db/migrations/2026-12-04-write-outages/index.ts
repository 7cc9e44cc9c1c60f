/** Outages of writes alone, and pushes that were given up because of an outage (rules.md 58). */
import { type Kysely, sql } from 'kysely';
import { tenantTable } from '../2026-11-28-baseline/access';

const statements = [
  `alter table integrations
     -- Pushes fail although the third party's check succeeds: one push is the probe, and reads go on.
     add column is_write_outage boolean not null default false,
     -- Different records that were answered Unavailable since the last push that succeeded.
     add column unavailable_records uuid[] not null default '{}',
     -- When to try again what was given up because of an outage; null = nothing was.
     add column given_up_probe_at timestamptz`,
  `create table outage_give_ups (
     tenant_id uuid not null,
     integration_id uuid not null,
     record_id uuid not null,
     push_id uuid not null,
     primary key (tenant_id, integration_id, record_id),
     foreign key (tenant_id, integration_id, record_id) references record_syncs on delete cascade
   )`,
  ...tenantTable('outage_give_ups', 'select, insert, update, delete'),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
