/** Several erasures may name the same record: its hashes stay until all of them are lifted (rules.md 62). */
import { type Kysely, sql } from 'kysely';
import { createIndex } from '../concurrent-indexes';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(createIndex('erased_hashes_of_erasures')).execute(db);
  // The constraint gets the name of the index, by which later migrations find it.
  await sql`alter table erased_hashes drop constraint erased_hashes_pkey,
    add primary key using index erased_hashes_of_erasures`.execute(db);
}
