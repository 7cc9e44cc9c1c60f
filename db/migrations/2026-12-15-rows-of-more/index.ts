/** As 2026-12-14-expected-rows, for tables whose rows a step finds by an integration or a run. */
import { type Kysely, sql } from 'kysely';

const SCOPES: Record<string, string> = {
  drifts: 'integration_id',
  emptied_records: 'integration_id',
  outage_give_ups: 'integration_id',
  push_references: 'integration_id',
  reference_promises: 'integration_id',
  sync_pages: 'sync_run_id',
};

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const [table, scope] of Object.entries(SCOPES)) {
    await sql`alter table ${sql.table(table)} alter column tenant_id set (n_distinct = 1)`.execute(db);
    await sql`alter table ${sql.table(table)} alter column ${sql.ref(scope)} set (n_distinct = 100)`.execute(
      db,
    );
  }
}
