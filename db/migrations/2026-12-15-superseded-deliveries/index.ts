/** Recovering missed deliveries looks at each failed one once (rules.md 45, 60). */
import { type Kysely, sql } from 'kysely';
import { ADD_SUPERSEDED_AT, createIndex } from '../concurrent-indexes';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [ADD_SUPERSEDED_AT, createIndex('webhook_deliveries_missed')])
    await sql.raw(statement).execute(db);
}
