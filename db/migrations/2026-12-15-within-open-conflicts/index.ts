/** Pages of open conflicts, whatever the number of ended ones. */
import { type Kysely, sql } from 'kysely';
import { createIndex } from '../concurrent-indexes';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const name of ['sync_conflicts_open_newest', 'sync_conflicts_open_of_integration'] as const)
    await sql.raw(createIndex(name)).execute(db);
}
