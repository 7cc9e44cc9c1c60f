/** Work that grows with data is decided in one row and done in chunks by a workflow (rules.md 60). */
import { type Kysely, sql } from 'kysely';
import { allTenants, tenantTable } from '../2026-11-28-baseline/access';

const statements = [
  `create table background_tasks (
     tenant_id uuid not null,
     background_task_id uuid not null,
     integration_id uuid not null,
     kind text not null,
     -- What the task is about besides the integration: a review, a run.
     subject_id uuid,
     requested_by text not null,
     -- Where the next chunk begins. Only the code of the kind reads it.
     step text not null default '',
     cursor text,
     done_rows bigint not null default 0,
     created_at timestamptz not null,
     updated_at timestamptz not null,
     finished_at timestamptz,
     primary key (tenant_id, background_task_id),
     foreign key (tenant_id, integration_id) references integrations
   )`,
  `create index background_tasks_unfinished on background_tasks (tenant_id, integration_id)
     where finished_at is null`,
  ...tenantTable('background_tasks', 'select, insert, update'),
  ...allTenants('syncline_dispatcher', 'background_tasks', 'select'),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
