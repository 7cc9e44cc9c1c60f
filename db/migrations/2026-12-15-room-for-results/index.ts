/**
 * New pages of the push log keep space for the result of each row. The updated row then stays on its page,
 * and no index changes.
 */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    do $$ declare partition regclass; begin
      for partition in select inhrelid from pg_inherits where inhparent = 'pushes'::regclass loop
        execute format('alter table %s set (fillfactor = 45)', partition);
      end loop;
    end $$`.execute(db);
}
