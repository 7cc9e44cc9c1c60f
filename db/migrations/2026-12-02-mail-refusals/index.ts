/** A refused address counts after a second refusal, and an admin can clear it. */
import { type Kysely, sql } from 'kysely';
import { allTenants } from '../2026-11-28-baseline/access';

const statements = [
  // Every 550 was stored, also those about the sender or the relay. A refusal that is true comes again.
  `delete from undeliverable_addresses`,
  // `refused_at` is that of the last refusal.
  `alter table undeliverable_addresses
     -- The refusal that another one confirms; null if the mail server was at fault.
     add column first_refused_at timestamptz,
     -- Null: e-mails are still sent.
     add column confirmed_at timestamptz`,
  `create index undeliverable_addresses_recent on undeliverable_addresses (refused_at)`,
  `grant delete on undeliverable_addresses to syncline_app`,
  // How many addresses of all tenants the mail server refused lately.
  ...allTenants(
    'syncline_dispatcher',
    'undeliverable_addresses',
    'select (tenant_id, person_id, refused_at)',
  ),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
