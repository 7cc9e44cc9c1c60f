/**
 * Record syncs are written without a check of their integration, as links are: it took a tenth of the time of
 * accepting a change, and locked the integration's row for each. Integrations go only with their tenant.
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table record_syncs drop constraint record_syncs_tenant_id_integration_id_fkey`.execute(db);
}
