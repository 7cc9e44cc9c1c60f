/** Admins are told when the webhooks of an app have stopped. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  // The kinds until now, whichever they are, and a new one.
  await sql
    .raw(
      `do $$ declare kinds text; begin
         select pg_get_expr(conbin, conrelid) into kinds from pg_constraint
           where conname = 'notifications_kind_check' and conrelid = 'notifications'::regclass;
         alter table notifications drop constraint notifications_kind_check;
         execute format('alter table notifications add constraint notifications_kind_check check ((%s) or kind = %L)',
           kinds, 'webhooks_silent');
       end $$`,
    )
    .execute(db);
}
