/**
 * Accounts that were connected by OAuth 2 (decision 0030): the apps that ask for consent, a consent that is
 * under way, and the tokens of each integration. An app of the platform is readable in every tenant; its
 * secret is encrypted with the key of the platform, which only the platform's own transactions can open.
 */
import { type Kysely, sql } from 'kysely';
import { allTenants, erasable, tenantTable } from '../2026-11-28-baseline/access';

const PLATFORM = '00000000-0000-0000-0000-000000000000';

const statements = [
  `create table oauth_apps (
     tenant_id uuid not null,
     oauth_app_id uuid not null,
     name text not null,
     client_id text not null,
     -- Encrypted; null = a public client.
     client_secret text,
     -- The only origins that its secret, codes and tokens are sent to.
     allowed_origins jsonb not null,
     version bigint not null default 1,
     created_at timestamptz not null,
     updated_at timestamptz not null,
     primary key (tenant_id, oauth_app_id)
   )`,
  ...tenantTable('oauth_apps', 'select, insert, update, delete'),
  ...erasable('oauth_apps'),
  `create policy platform_apps on oauth_apps for select to syncline_app using (tenant_id = '${PLATFORM}')`,

  `create table oauth_accounts (
     tenant_id uuid not null,
     integration_id uuid not null,
     -- The consent that the tokens come from. The credentials of the integration name it, too.
     connection_id uuid not null,
     app_tenant_id uuid not null,
     oauth_app_id uuid not null,
     -- Encrypted.
     access_token text not null,
     refresh_token text,
     previous_refresh_token text,
     access_expires_at timestamptz,
     -- When to use the refresh token next, also if nobody needs a token.
     refresh_due_at timestamptz,
     -- One more with each pair of tokens.
     generation bigint not null default 1,
     refreshed_at timestamptz not null,
     refresh_lease_id uuid,
     refresh_lease_until timestamptz,
     -- A refresh was sent since then whose answer is not known.
     unanswered_since timestamptz,
     failed_refreshes int not null default 0,
     scopes text,
     account_id text,
     account_name text,
     connected_at timestamptz not null,
     connected_by text not null,
     -- The provider has refused the refresh token for good.
     refused_at timestamptz,
     refused_reason text,
     primary key (tenant_id, integration_id),
     foreign key (tenant_id, integration_id) references integrations,
     -- An app in use cannot be deleted.
     foreign key (app_tenant_id, oauth_app_id) references oauth_apps
   )`,
  `create index oauth_accounts_by_app on oauth_accounts (app_tenant_id, oauth_app_id)`,
  `create index oauth_accounts_due on oauth_accounts (refresh_due_at)
     where refresh_token is not null and refused_at is null`,
  ...tenantTable('oauth_accounts', 'select, insert, update, delete'),
  ...erasable('oauth_accounts'),
  ...allTenants(
    'syncline_dispatcher',
    'oauth_accounts',
    'select (tenant_id, integration_id, refresh_due_at, refresh_token, refused_at)',
  ),

  `create table oauth_consents (
     tenant_id uuid not null,
     oauth_consent_id uuid not null,
     integration_id uuid not null,
     -- SHA-256 of the state parameter.
     state_hash bytea not null,
     -- Encrypted: the PKCE verifier, and what the provider sent back.
     verifier text not null,
     code text,
     -- The issuer in the answer (RFC 9207).
     iss text,
     redirect_uri text not null,
     -- config.auth of the integration when the person was sent to the provider.
     auth jsonb not null,
     -- Another account than before may be connected.
     may_change_account boolean not null default false,
     created_by text not null,
     created_at timestamptz not null,
     expires_at timestamptz not null,
     -- The code is sent once, after this was committed.
     used_at timestamptz,
     result jsonb,
     primary key (tenant_id, oauth_consent_id)
   )`,
  `create index oauth_consents_by_age on oauth_consents (created_at)`,
  `create index oauth_consents_by_state on oauth_consents (tenant_id, state_hash)`,
  ...tenantTable('oauth_consents', 'select, insert, update, delete'),
  ...erasable('oauth_consents'),
  ...allTenants('syncline_dispatcher', 'oauth_consents', 'select (ctid, created_at), delete'),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
