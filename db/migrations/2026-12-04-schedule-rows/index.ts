/** Schedules are rows, which one worker looks through; Temporal Schedules of former versions are removed. */
import { type Kysely, sql } from 'kysely';
import { allTenants, tenantTable } from '../2026-11-28-baseline/access';

const statements = [
  `create table sync_schedules (
     tenant_id uuid not null,
     integration_id uuid not null,
     schedule text not null check (schedule in ('hourly', 'nightly')),
     -- The settings from which next_at was computed.
     basis text not null,
     -- In the past: it is due, or waits until fewer full passes are in progress.
     next_at timestamptz not null,
     primary key (tenant_id, integration_id, schedule)
   )`,
  `create index sync_schedules_due on sync_schedules (schedule, next_at, integration_id)`,
  ...tenantTable('sync_schedules', 'select, insert, update, delete'),
  ...allTenants('syncline_dispatcher', 'sync_schedules', 'select'),
  ...allTenants('syncline_dispatcher', 'tenants', 'select (tenant_id, time_zone)'),
  `grant select (is_hourly_sync_on, nightly_sync_at) on integrations to syncline_dispatcher`,
  `grant select (kind) on sync_runs to syncline_dispatcher`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
