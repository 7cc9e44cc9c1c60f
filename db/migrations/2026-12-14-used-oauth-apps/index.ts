/**
 * The OAuth app that the configuration of an integration names. For an app of the platform, the integrations
 * of all tenants are counted, without their configurations.
 */
import { type Kysely, sql } from 'kysely';

const statements = [
  // `oap_…`. It is generated, so that processes of the former release keep it, too.
  `alter table integrations
     add column config_app_id text generated always as (config #>> '{auth,app_id}') stored`,
  `create index integrations_by_oauth_app on integrations (config_app_id, tenant_id, integration_id)
     where config_app_id is not null and deleted_at is null`,
  `grant select (config_app_id) on integrations to syncline_platform`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
