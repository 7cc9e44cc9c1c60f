/** Publishing a version of a third-party definition: rollouts, and a row for each integration in them. */
import { type Kysely, sql } from 'kysely';
import { PLATFORM_TENANT_ID } from '../../tables/tenants';
import { allTenants, erasable, tenantTable } from '../2026-11-28-baseline/access';

const statements = [
  `create table definition_rollouts (
     tenant_id uuid not null,
     rollout_id uuid not null,
     definition_key text not null,
     version integer not null,
     -- The version of new integrations before; null = there was none.
     former_version integer,
     state text not null,
     is_automatic boolean not null,
     -- domain/third-parties/rollout.ts.
     steps jsonb not null,
     step integer not null default 0,
     step_moves integer not null default 0,
     observe_ms bigint not null,
     stop_after_failures integer not null,
     -- Failures that did not stop it, because a person resumed it.
     accepted_failures integer not null default 0,
     -- How far the search for integrations is.
     list_cursor text,
     is_listed boolean not null default false,
     -- The observation of the present step.
     step_ends_at timestamptz,
     next_check_at timestamptz,
     check_began_at timestamptz,
     -- Integrations that were held back before it are tried again.
     retry_at timestamptz,
     paused_at timestamptz,
     paused_because text,
     created_by text not null,
     created_at timestamptz not null,
     approved_by text,
     approved_at timestamptz,
     updated_at timestamptz not null,
     finished_at timestamptz,
     primary key (tenant_id, rollout_id)
   )`,
  `create unique index definition_rollouts_one_open on definition_rollouts (tenant_id, definition_key)
     where finished_at is null`,
  `create index definition_rollouts_by_key on definition_rollouts (tenant_id, definition_key, rollout_id)`,
  `create index definition_rollouts_unfinished on definition_rollouts (rollout_id)
     where finished_at is null`,
  ...tenantTable('definition_rollouts', 'select, insert, update'),
  // A tenant's transaction that changes its integration looks whether the rollout still goes on.
  `create policy rollouts_of_platform on definition_rollouts for select to syncline_app
     using (tenant_id = '${PLATFORM_TENANT_ID}'
       and nullif(current_setting('app.tenant', true), '') is not null)`,
  ...erasable('definition_rollouts'),
  ...allTenants('syncline_platform', 'definition_rollouts', 'select'),
  ...allTenants(
    'syncline_dispatcher',
    'definition_rollouts',
    'select (tenant_id, rollout_id, state, paused_at, next_check_at, updated_at, finished_at)',
  ),

  `create table definition_rollout_integrations (
     tenant_id uuid not null,
     rollout_id uuid not null,
     integration_id uuid not null,
     -- The order in which integrations change: at random, another one in each rollout.
     place integer not null,
     state text not null,
     from_version integer not null,
     -- The version of the integration's row in the dry run.
     seen_version bigint,
     tries integer not null default 0,
     is_tried boolean not null default false,
     -- JSON Pointers into the integration.
     changes jsonb,
     records_touched integer,
     records_examined integer,
     effects jsonb,
     problems jsonb,
     settings_before jsonb,
     settings_after jsonb,
     health_before jsonb,
     planned_at timestamptz,
     changed_at timestamptz,
     checked_at timestamptz,
     updated_at timestamptz not null,
     primary key (tenant_id, rollout_id, integration_id)
   )`,
  `create index definition_rollout_integrations_by_state on definition_rollout_integrations
     (rollout_id, state, place, integration_id)`,
  ...tenantTable('definition_rollout_integrations', 'select, insert, update'),
  ...erasable('definition_rollout_integrations'),
  ...allTenants('syncline_platform', 'definition_rollout_integrations', 'select'),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
