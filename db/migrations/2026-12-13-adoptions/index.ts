/**
 * Integrations with configurations of their own adopt a definition in a rollout. The platform's role finds
 * and lists what a rollout does, without the settings that a rollback needs.
 */
import { type Kysely, sql } from 'kysely';

const LISTED = [
  'tenant_id',
  'rollout_id',
  'integration_id',
  'place',
  'state',
  'from_version',
  'is_tried',
  'changes',
  'differences',
  'records_touched',
  'records_examined',
  'effects',
  'problems',
  'planned_at',
  'changed_at',
  'checked_at',
];

const statements = [
  `alter table definition_rollouts add column is_adoption boolean not null default false`,
  // JSON Pointers into the integration.
  `alter table definition_rollout_integrations add column differences jsonb`,
  `create index integrations_without_definition on integrations (connector, tenant_id, integration_id)
     where definition_key is null and deleted_at is null`,
  `grant select (connector) on integrations to syncline_platform`,
  `revoke select on definition_rollout_integrations from syncline_platform`,
  `grant select (${LISTED.join(', ')}) on definition_rollout_integrations to syncline_platform`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
