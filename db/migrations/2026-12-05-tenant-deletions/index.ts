/**
 * Deleting a tenant (rules.md 62). From the commit of the row on, no transaction of the tenant begins, and
 * the platform role does not see the tenant's keys, people and sessions. The row stays as the receipt.
 */
import { type Kysely, sql } from 'kysely';
import { allTenants, erasable, tenantTable } from '../2026-11-28-baseline/access';

/** What identifies a caller. */
const IDENTITIES = [
  'api_keys',
  'console_sessions',
  'people',
  'person_identities',
  'person_tokens',
  'tenants',
];

const statements = [
  `create table tenant_deletions (
     tenant_id uuid not null primary key,
     state text not null,
     -- How far the present state is.
     progress jsonb,
     -- Deleted rows by table.
     rows jsonb not null default '{}',
     -- The present pass over all tables.
     pass_began_at timestamptz,
     pass_rows bigint not null default 0,
     request_id text not null,
     requested_at timestamptz not null,
     updated_at timestamptz not null,
     finished_at timestamptz
   )`,
  `create index tenant_deletions_unfinished on tenant_deletions (tenant_id) where finished_at is null`,
  ...tenantTable('tenant_deletions', 'select, insert'),
  ...erasable('tenant_deletions'),
  ...allTenants('syncline_platform', 'tenant_deletions', 'select'),
  ...allTenants('syncline_dispatcher', 'tenant_deletions', 'select'),
  // For the function, which every transaction calls before it switches to its role.
  `create policy owner_rows on tenant_deletions for select to current_user using (true)`,
  `create function is_tenant_deleted(tenant uuid) returns boolean language sql stable security definer
     begin atomic select exists (select from tenant_deletions where tenant_id = tenant); end`,
  ...IDENTITIES.map(
    (table) => `create policy existing_tenants on ${table} as restrictive to syncline_platform
      using (not exists (select from tenant_deletions deleted where deleted.tenant_id = ${table}.tenant_id))`,
  ),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
