/**
 * The OAuth app that the configuration of an integration names. For an app of the platform, the integrations
 * of all tenants are counted, without their configurations.
 */
import { type Kysely, sql } from 'kysely';

const statements = [
  // `oap_…` and 26 characters. It is generated, so that processes of the former release keep it, too. It is
  // cut, because connectors of packages can have any text there, and an index entry has a greatest size.
  `alter table integrations
     add column config_app_id text generated always as (left(config #>> '{auth,app_id}', 100)) stored`,
  `create index integrations_by_oauth_app on integrations (config_app_id, tenant_id, integration_id)
     where config_app_id is not null and deleted_at is null`,
  `grant select (config_app_id) on integrations to syncline_platform`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
