/** Tenants, their API keys and people, and sign-in to the console. */
import { allTenants, protect, tenantTable } from './access';

const tables = [
  `create table tenants (
     tenant_id uuid primary key,
     name text not null,
     time_zone text not null,
     contact_email text,
     company_synchronized_policy text not null default 'all_datasets'
       check (company_synchronized_policy in ('all_datasets', 'first_dataset')),
     version integer not null default 1,
     created_at timestamptz not null default now(),
     updated_at timestamptz not null default now()
   )`,

  `create table api_keys (
     tenant_id uuid not null references tenants,
     api_key_id uuid not null,
     public_id text not null,
     secret_hash bytea not null,
     name text not null,
     role text not null check (role in ('viewer', 'operator', 'admin')),
     created_by text not null,
     created_at timestamptz not null default now(),
     expires_at timestamptz not null,
     revoked_at timestamptz,
     last_used_at timestamptz,
     primary key (tenant_id, api_key_id)
   )`,

  `create table people (
     tenant_id uuid not null references tenants,
     person_id uuid not null,
     name text not null,
     email text not null,
     role text not null check (role in ('viewer', 'operator', 'admin')),
     -- argon2id in its usual text form; null = no password was chosen yet.
     password_hash text,
     disabled_at timestamptz,
     created_at timestamptz not null,
     updated_at timestamptz not null,
     last_signed_in_at timestamptz,
     version integer not null default 1,
     primary key (tenant_id, person_id)
   )`,

  // One-time links that let a person choose a password.
  `create table person_tokens (
     tenant_id uuid not null,
     person_token_id uuid not null,
     person_id uuid not null,
     kind text not null check (kind in ('first_admin', 'invitation', 'password_reset')),
     -- SHA-256 of the token.
     token_hash bytea not null,
     created_by text not null,
     created_at timestamptz not null,
     expires_at timestamptz not null,
     used_at timestamptz,
     primary key (tenant_id, person_token_id),
     foreign key (tenant_id, person_id) references people
   )`,

  // The columns sid, sess and expire are the ones connect-pg-simple expects.
  // A session has no tenant before the user has signed in, so the key does not begin with one.
  `create table console_sessions (
     -- SHA-256 of the browser's cookie.
     sid text primary key,
     sess json not null,
     expire timestamptz not null,
     tenant_id uuid generated always as ((sess->'signedIn'->>'tenantId')::uuid) stored,
     person_id uuid generated always as ((sess->'signedIn'->>'personId')::uuid) stored,
     session_id uuid generated always as ((sess->'signedIn'->>'sessionId')::uuid) stored
   )`,

  // Counted before the tenant is known.
  `create table sign_in_failures (
     -- SHA-256 of the account's or the network's name.
     subject bytea primary key,
     failures integer not null,
     since timestamptz not null
   ) with (fillfactor = 70)`,
];

const indexes = [
  `create index api_keys_by_public_id on api_keys (public_id)`,
  // Sign-in knows only the address, so an address is unique in the whole installation.
  `create unique index people_by_email on people (lower(email))`,
  `create index person_tokens_by_hash on person_tokens (token_hash)`,
  `create index person_tokens_by_person on person_tokens (tenant_id, person_id)`,
  `create index console_sessions_by_person on console_sessions (tenant_id, person_id)`,
  `create index console_sessions_by_expiry on console_sessions (expire)`,
  `create index sign_in_failures_by_age on sign_in_failures (since)`,
];

const access = [
  ...tenantTable('tenants', 'select, insert, update'),
  ...tenantTable('api_keys', 'select, insert, update'),
  ...tenantTable('people', 'select, insert, update'),
  ...tenantTable('person_tokens', 'select, insert, update'),
  ...tenantTable('console_sessions', 'select, delete'),
  ...protect('sign_in_failures'),

  ...allTenants('syncline_platform', 'tenants', 'select'),
  ...allTenants(
    'syncline_platform',
    'api_keys',
    `select (tenant_id, api_key_id, public_id, secret_hash, role, name,
       expires_at, revoked_at, last_used_at)`,
    `update (last_used_at)`,
  ),
  ...allTenants(
    'syncline_platform',
    'people',
    `select (tenant_id, person_id, name, email, role, password_hash, disabled_at)`,
  ),
  ...allTenants(
    'syncline_platform',
    'person_tokens',
    `select (tenant_id, person_token_id, person_id, kind, token_hash, expires_at, used_at)`,
  ),
  ...allTenants('syncline_platform', 'console_sessions', 'select, insert, update, delete'),
  ...allTenants('syncline_platform', 'sign_in_failures', 'select, insert, update, delete'),
];

export const tenants = [...tables, ...indexes, ...access];
