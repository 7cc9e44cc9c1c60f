/** Several executions of one push queue share what one alone kept in memory (rules.md 49, 53). */
import { type Kysely, sql } from 'kysely';
import { tenantTable } from '../2026-11-28-baseline/access';

const statements = [
  // Remote records that pushes in progress have found and are about to write, by the key of record_links.
  `create table remote_claims (
     tenant_id uuid not null,
     remote_key bigint not null,
     external_id text not null,
     claimed_until timestamptz not null,
     primary key (tenant_id, remote_key)
   )`,
  `create index remote_claims_by_time on remote_claims (tenant_id, claimed_until)`,
  ...tenantTable('remote_claims', 'select, insert, update, delete'),
  `alter table brake_counts
     -- How many more may leave before the brake counts again.
     add column allowed integer,
     add column allowed_until timestamptz,
     -- Of the integration, whose settings the brake has counted with.
     add column allowed_version bigint`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
