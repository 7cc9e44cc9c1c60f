/** Third-party definitions of the platform, their versions, and the version that an integration uses. */
import { type Kysely, sql } from 'kysely';
import { PLATFORM_TENANT_ID } from '../../tables/tenants';
import { allTenants, erasable, tenantTable } from '../2026-11-28-baseline/access';

/** Every tenant may read the definitions of the platform. */
const readable = (table: string): string =>
  `create policy definitions_of_platform on ${table} for select to syncline_app
     using (tenant_id = '${PLATFORM_TENANT_ID}'
       and nullif(current_setting('app.tenant', true), '') is not null)`;

const statements = [
  `create table third_party_definitions (
     tenant_id uuid not null,
     definition_key text not null,
     -- The version that new integrations use; null = none was published.
     current_version integer,
     latest_version integer not null,
     created_at timestamptz not null,
     updated_at timestamptz not null,
     primary key (tenant_id, definition_key)
   )`,
  `create table third_party_definition_versions (
     tenant_id uuid not null,
     definition_key text not null,
     version integer not null,
     -- As it was given.
     document jsonb not null,
     -- What it says an integration does: domain/third-parties/definition.ts.
     rules jsonb not null,
     -- Of the canonical document.
     hash text not null,
     origin text not null,
     created_by text not null,
     created_at timestamptz not null,
     primary key (tenant_id, definition_key, version)
   )`,
  ...['third_party_definitions', 'third_party_definition_versions'].flatMap((table) => [
    ...tenantTable(table, 'select, insert, update'),
    readable(table),
    ...erasable(table),
  ]),
  `alter table integrations
     add column definition_key text,
     add column definition_version integer,
     add column definition_sign_in text,
     add column definition_parameters jsonb`,
  `create index integrations_by_definition on integrations (definition_key, tenant_id, integration_id)
     where definition_key is not null and deleted_at is null`,
  ...allTenants(
    'syncline_platform',
    'integrations',
    'select (tenant_id, integration_id, definition_key, definition_version, deleted_at)',
  ),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
