/** Counts the erased records that an app may still have: they explain why its list is longer. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // Only set for the hash of a remote id, and null in rows of earlier versions.
  await sql`alter table erased_hashes add column integration_id uuid, add column record_type text`.execute(
    db,
  );
  await sql`create index erased_hashes_by_list on erased_hashes (tenant_id, integration_id, record_type)
    where integration_id is not null`.execute(db);
}
