/**
 * What the planner expects of an overview, of the lists of a run, and of an integration. It multiplies the
 * shares of tenant and overview, as if they had nothing to do with each other, and so expects no row where
 * there are a hundred thousand. Then any index seems good enough, and each page of a walk reads all items.
 * With these figures, which the next ANALYZE takes, it expects many rows and looks each up by its whole key.
 */
import { type Kysely, sql } from 'kysely';
import { createIndex } from '../concurrent-indexes';
import { expectManyRows } from '../table-options';

const SCOPES: Record<string, string> = {
  record_links: 'integration_id',
  overview_items: 'overview_id',
  missing_records: 'sync_run_id',
  match_keys: 'sync_run_id',
  sync_run_pushes: 'sync_run_id',
  sync_conflicts: 'integration_id',
};

export async function up(db: Kysely<unknown>): Promise<void> {
  await expectManyRows(db, SCOPES);
  await sql.raw(createIndex('sync_run_pushes_open')).execute(db);
}
