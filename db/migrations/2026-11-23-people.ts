/**
 * People: the admins of a tenant, the one-time links by which they choose a password, their sessions in the console, and how often
 * somebody failed to sign in.
 *
 * A session and a failed sign-in come before it is known whose they are: these two tables do not begin with a tenant.
 */
import { type Kysely, sql } from 'kysely';

const TENANT_TABLES = ['people', 'person_tokens', 'console_sessions'];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [...tables(), ...policies(), ...grants()]) await sql.raw(statement).execute(db);
}

function tables(): string[] {
  return [
    `create table people (
       tenant_id uuid not null references tenants,
       person_id uuid not null,
       name text not null,
       email text not null,
       role text not null check (role in ('viewer', 'operator', 'admin')),
       -- argon2id in its usual text form; null = none chosen yet.
       password_hash text,
       disabled_at timestamptz,
       created_at timestamptz not null,
       updated_at timestamptz not null,
       last_signed_in_at timestamptz,
       version integer not null default 1,
       primary key (tenant_id, person_id)
     )`,
    // Somebody who signs in gives nothing but an address: it names one person of the whole installation.
    `create unique index people_by_email on people (lower(email))`,

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
    `create index person_tokens_by_hash on person_tokens (token_hash)`,
    `create index person_tokens_by_person on person_tokens (tenant_id, person_id)`,

    // As connect-pg-simple wants it; what is asked of it besides follows from what it holds.
    `create table console_sessions (
       -- SHA-256 of what the browser holds.
       sid text primary key,
       sess json not null,
       expire timestamptz not null,
       tenant_id uuid generated always as ((sess->'signedIn'->>'tenantId')::uuid) stored,
       person_id uuid generated always as ((sess->'signedIn'->>'personId')::uuid) stored,
       session_id uuid generated always as ((sess->'signedIn'->>'sessionId')::uuid) stored
     )`,
    `create index console_sessions_by_person on console_sessions (tenant_id, person_id)`,
    `create index console_sessions_by_expiry on console_sessions (expire)`,

    `create table sign_in_failures (
       -- SHA-256 of the account's or the network's name.
       subject bytea primary key,
       failures integer not null,
       since timestamptz not null
     ) with (fillfactor = 70)`,
    `create index sign_in_failures_by_age on sign_in_failures (since)`,
  ];
}

function policies(): string[] {
  const ofTheTenant = `tenant_id = (select nullif(current_setting('app.tenant', true), '')::uuid)`;
  return [
    ...TENANT_TABLES.map(
      (table) =>
        `create policy of_the_tenant on ${table} to syncline_app using (${ofTheTenant}) with check (${ofTheTenant})`,
    ),
    ...[...TENANT_TABLES, 'sign_in_failures'].flatMap((table) => [
      `alter table ${table} enable row level security`,
      `alter table ${table} force row level security`,
      `create policy of_the_platform on ${table} to syncline_platform using (true)`,
    ]),
  ];
}

function grants(): string[] {
  return [
    `grant select, insert, update on people, person_tokens to syncline_app`,
    `grant select, delete on console_sessions to syncline_app`,
    `grant select (tenant_id, person_id, name, email, role, password_hash, disabled_at) on people to syncline_platform`,
    `grant select (tenant_id, person_token_id, person_id, kind, token_hash, expires_at, used_at) on person_tokens to syncline_platform`,
    `grant select, insert, update, delete on console_sessions, sign_in_failures to syncline_platform`,
  ];
}
