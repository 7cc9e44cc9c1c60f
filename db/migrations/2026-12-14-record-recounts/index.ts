/** When the counts of records of a tenant were compared with its records (rules.md 60). */
import { type Kysely, sql } from 'kysely';

const statements = [
  `alter table tenants add column records_counted_at timestamptz`,
  `grant select (records_counted_at) on tenants to syncline_dispatcher`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
