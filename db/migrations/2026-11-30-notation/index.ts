/** How a third party shows the values that both sides agree on (rules.md 46). */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // By place (`to` of the mapping): `ours`, the value of the local field, and `shown`, the value as the third
  // party shows it. null where the integration only pulls, and for links that were made before.
  await sql.raw('alter table record_links add column notation jsonb').execute(db);
}
