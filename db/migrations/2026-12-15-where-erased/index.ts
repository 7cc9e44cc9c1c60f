/** How many erased records an app may still have: its list is longer by so many, which is no trouble. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // Of the hash of a remote id. Null before this version.
  await sql`alter table erased_hashes add column integration_id uuid, add column record_type text`.execute(
    db,
  );
  await sql`create index erased_hashes_by_list on erased_hashes (tenant_id, integration_id, record_type)
    where integration_id is not null`.execute(db);
}
