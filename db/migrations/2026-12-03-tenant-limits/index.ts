/** Limits that an operator sets for one tenant (rules.md 60); null = those of the installation. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `alter table tenants
         add column integrations_max integer check (integrations_max > 0),
         add column records_per_type_max bigint check (records_per_type_max > 0)`,
    )
    .execute(db);
}
