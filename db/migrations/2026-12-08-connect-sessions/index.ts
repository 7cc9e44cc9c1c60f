/**
 * Connect sessions: a person without an account links or re-links an app on a hosted page. Only hashes of the
 * one-time link and of the browser's cookie are kept. A row whose time is over has expired, whatever its
 * state says.
 */
import { type Kysely, sql } from 'kysely';
import { allTenants, erasable, tenantTable } from '../2026-11-28-baseline/access';

const statements = [
  `create table connect_sessions (
     tenant_id uuid not null,
     connect_session_id uuid not null,
     state text not null check (state in ('open', 'in_progress', 'done', 'failed', 'cancelled')),
     secret_hash bytea not null,
     -- Of the cookie of the browser that opened the link.
     browser_hash bytea,
     -- Reconnects this integration; without it, the one that the settings became.
     integration_id uuid,
     -- Of a new integration, as in a request; null = reconnects.
     settings jsonb,
     person text,
     guidance jsonb not null,
     return_url text,
     -- The last refusal: code, message, instant.
     problem jsonb,
     attempts integer not null default 0,
     -- SHA-256 of the state parameter of a consent under way; null once the provider has answered.
     state_hash bytea,
     oauth_consent_id uuid,
     -- The provider's page for this consent, without the state.
     consent_url text,
     created_by text not null,
     created_at timestamptz not null,
     expires_at timestamptz not null,
     opened_at timestamptz,
     finished_at timestamptz,
     primary key (tenant_id, connect_session_id)
   )`,
  `create unique index connect_sessions_by_secret on connect_sessions (secret_hash)`,
  `create unique index connect_sessions_by_state on connect_sessions (state_hash)`,
  `create index connect_sessions_by_id on connect_sessions (connect_session_id)`,
  `create index connect_sessions_by_age on connect_sessions (created_at)`,
  `create index connect_sessions_in_consent on connect_sessions (expires_at)
     where oauth_consent_id is not null and state <> 'done'`,
  ...tenantTable('connect_sessions', 'select, insert, update'),
  ...allTenants(
    'syncline_platform',
    'connect_sessions',
    'select (tenant_id, connect_session_id, secret_hash, state_hash)',
  ),
  ...allTenants(
    'syncline_dispatcher',
    'connect_sessions',
    'select (ctid, created_at, tenant_id, connect_session_id, state, oauth_consent_id, expires_at), delete',
  ),
  ...erasable('connect_sessions'),
  `create table connect_settings (
     tenant_id uuid not null primary key,
     name text,
     color text,
     logo_text text,
     return_origins jsonb not null,
     frame_ancestors jsonb not null,
     version integer not null,
     updated_at timestamptz not null
   )`,
  ...tenantTable('connect_settings', 'select, insert, update'),
  ...erasable('connect_settings'),
  // The kinds until now, whichever they are, and a new one.
  `do $$ declare kinds text; begin
     select pg_get_expr(conbin, conrelid) into kinds from pg_constraint
       where conname = 'notifications_kind_check' and conrelid = 'notifications'::regclass;
     alter table notifications drop constraint notifications_kind_check;
     execute format('alter table notifications add constraint notifications_kind_check check ((%s) or kind = %L)',
       kinds, 'integration_connected');
   end $$`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
