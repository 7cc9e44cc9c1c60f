/** Which retries become due because a person has acted, and which waiting pushes are given up first. */
import { type Kysely, sql } from 'kysely';
import { createIndex } from '../concurrent-indexes';

const statements = [
  // Retries of the records after this one become due; null = of none.
  `alter table integrations add column lift_retries_after uuid`,
  createIndex('record_syncs_giving_up'),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
