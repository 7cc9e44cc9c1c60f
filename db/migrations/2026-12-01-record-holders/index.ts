/** A record that only one third party no longer has loses its link, not itself (rules.md 50). */
import { type Kysely, sql } from 'kysely';

const statements = [
  // Set where a pull found the record gone and something else holds it: only an edit creates it there again.
  `alter table record_syncs add column absent_since timestamptz`,
  // Other integrations that read these records never saw a change of them, so that they stayed deleted.
  `delete from record_links link using records record, integrations integration
   where record.tenant_id = link.tenant_id and record.record_id = link.record_id
     and record.deleted_at is not null and record.changed_by like 'integration:%'
     and integration.tenant_id = link.tenant_id and integration.integration_id = link.integration_id
     and integration.record_types -> link.record_type ->> 'direction' = 'pull'`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
