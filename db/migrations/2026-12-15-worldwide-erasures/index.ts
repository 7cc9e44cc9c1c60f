/**
 * An erased person stays out when the same account is linked again: hashes of remote ids within the account.
 * Rows of earlier versions have none; they count for their integration only.
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table erased_hashes add column list_hash bytea`.execute(db);
  await sql`create index erased_hashes_by_list_hash on erased_hashes (tenant_id, list_hash)
    where list_hash is not null`.execute(db);
}
