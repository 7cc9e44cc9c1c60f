/** Overviews of long lists compare both sides in parts (rules.md 60). */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw('alter table overview_jobs add column compared_part smallint not null default 0').execute(db);
}
