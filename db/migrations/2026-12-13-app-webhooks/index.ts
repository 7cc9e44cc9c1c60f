/**
 * Webhooks of OAuth apps (decision 0035): one address for all accounts that an app connects. What a call
 * names goes to the integrations of the account, which are found by the index. An account id counts for an
 * app of the platform only if it was read as a definition says; otherwise a tenant could name any account.
 */
import { type Kysely, sql } from 'kysely';
import { allTenants, erasable, tenantTable } from '../2026-11-28-baseline/access';

const PLATFORM = '00000000-0000-0000-0000-000000000000';

const statements = [
  `create table oauth_app_webhooks (
     tenant_id uuid not null,
     oauth_app_id uuid not null,
     -- Describes the webhooks: its current version is used.
     definition_key text not null,
     -- SHA-256 of the secret part of the address.
     token_hash bytea not null,
     -- What the third party signs with, encrypted; null = not given yet.
     secret text,
     created_at timestamptz not null,
     -- Of the last call that was verified.
     received_at timestamptz,
     -- Of the last call that was refused.
     refused_at timestamptz,
     -- Events of accounts that no integration has, since the address was made.
     unknown_events bigint not null default 0,
     primary key (tenant_id, oauth_app_id),
     foreign key (tenant_id, oauth_app_id) references oauth_apps on delete cascade
   )`,
  `create unique index oauth_app_webhooks_by_token on oauth_app_webhooks (token_hash)`,
  ...tenantTable('oauth_app_webhooks', 'select, insert, update, delete'),
  ...erasable('oauth_app_webhooks'),
  `create policy platform_apps on oauth_app_webhooks for select to syncline_app
     using (tenant_id = '${PLATFORM}')`,
  ...allTenants('syncline_platform', 'oauth_app_webhooks', 'select (tenant_id, oauth_app_id, token_hash)'),

  // The consent whose account was read as a definition says; null = it was read in another way.
  `alter table oauth_accounts add column proved_connection_id uuid`,
  `create index oauth_accounts_by_account on oauth_accounts (app_tenant_id, oauth_app_id, account_id)`,
  `drop index oauth_accounts_by_app`,
  ...allTenants(
    'syncline_platform',
    'oauth_accounts',
    `select (tenant_id, integration_id, app_tenant_id, oauth_app_id, account_id, connection_id,
       proved_connection_id)`,
  ),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
