/** Settings of integrations that are tried at the third party before they are stored (rules.md 52). */
import { type Kysely, sql } from 'kysely';
import { allTenants, tenantTable } from '../2026-11-28-baseline/access';

const statements = [
  // `credentials`: encrypted for the integration; null = those of the integration, if it has any.
  `create table integration_trials (
     tenant_id uuid not null,
     trial_id uuid not null,
     integration_id uuid not null,
     connector text not null,
     config jsonb not null,
     record_types jsonb not null,
     credentials text,
     result jsonb,
     created_at timestamptz not null,
     primary key (tenant_id, trial_id)
   )`,
  `create index integration_trials_by_age on integration_trials (created_at)`,
  ...tenantTable('integration_trials', 'select, insert, update, delete'),
  ...allTenants('syncline_dispatcher', 'integration_trials', 'select (created_at), delete'),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
