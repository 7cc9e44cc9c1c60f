/** People turn off e-mails for themselves. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(`alter table people add column is_email_on boolean not null default true`).execute(db);
}
