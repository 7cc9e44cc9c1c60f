/** A list that suddenly holds many times its records waits for approval (rules.md 60). */
import { type Kysely, sql } from 'kysely';

const statements = [
  // New records since the dataset was counted last.
  `alter table sync_datasets add column grown_by bigint not null default 0`,
  `alter table deletion_reviews
     drop constraint deletion_reviews_kind_check,
     add constraint deletion_reviews_kind_check check (kind in ('delete', 'empty', 'grow'))`,
];

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of statements) await sql.raw(statement).execute(db);
}
