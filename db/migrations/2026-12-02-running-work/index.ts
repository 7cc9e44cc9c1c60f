/** Work that may take its worker down is announced before it runs, and parked after repeated deaths. */
import { type Kysely, sql } from 'kysely';
import { allTenants, tenantTable } from '../2026-11-28-baseline/access';

const statements = [
  `create table running_work (
     tenant_id uuid not null,
     work_id uuid not null,
     kind text not null check (kind in ('pull', 'push', 'overview', 'check', 'webhook_delivery')),
     -- The id in the database of what is worked on, and the job of a run.
     subject_id uuid not null,
     job text not null default '',
     integration_id uuid,
     -- Null: no worker executes it.
     worker_id uuid,
     -- Renewed by the worker; an old one means that the worker is dead.
     seen_at timestamptz not null,
     is_suspect boolean not null default false,
     deaths smallint not null default 0,
     parked_at timestamptz,
     primary key (tenant_id, work_id),
     unique (tenant_id, kind, subject_id, job)
   )`,
  `create index running_work_by_worker on running_work (worker_id)`,
  ...tenantTable('running_work', 'select, update'),
  ...allTenants('syncline_dispatcher', 'running_work', 'select', 'insert', 'update', 'delete'),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
