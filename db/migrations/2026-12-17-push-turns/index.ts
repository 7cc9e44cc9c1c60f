/** Which of several executions of a push queue pushes. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table push_queue_looks
    -- The run of the workflow, and the number of the execution in it.
    add column turn_run text,
    add column turn_number integer,
    -- null = it has ended.
    add column turn_until timestamptz`.execute(db);
}
