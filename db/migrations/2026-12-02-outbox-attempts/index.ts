/** How often a message of the outbox was refused, and why: it backs off without delaying others. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(`alter table outbox add column attempts integer not null default 0, add column last_error text`)
    .execute(db);
}
