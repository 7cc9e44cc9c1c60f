/** The messages that were refused are listed for operators. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(`create index outbox_refused on outbox (attempts) where attempts > 0`).execute(db);
}
