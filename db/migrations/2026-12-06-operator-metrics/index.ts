/** What the metrics read of all tenants: the kind of waiting pushes, and when lists were last read. */
import { type Kysely, sql } from 'kysely';
import { allTenants } from '../2026-11-28-baseline/access';

const statements = [
  `grant select (push_priority) on record_syncs to syncline_dispatcher`,
  `grant select (connector, created_at) on integrations to syncline_dispatcher`,
  ...allTenants(
    'syncline_dispatcher',
    'sync_datasets',
    'select (tenant_id, integration_id, record_type, initial_state, last_succeeded_at)',
  ),
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
