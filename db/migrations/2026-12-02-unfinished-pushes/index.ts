/**
 * Finds the pushes whose result is not known yet. Every page of a list in both directions looks for records
 * that such a push may have created (rules.md 51).
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create index record_syncs_unfinished on record_syncs (tenant_id, integration_id, record_id)
    where lease_until is not null or unresolved_push_id is not null`.execute(db);
}
