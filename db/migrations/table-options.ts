/** Options of tables that several migrations set. */
import { type Kysely, sql } from 'kysely';

/**
 * The planner expects many rows of each value of a column (`scopes`: by table), whatever the tenant; see
 * `2026-12-14-expected-rows`. The next ANALYZE takes the figures.
 */
export async function expectManyRows(
  db: Kysely<unknown>,
  scopes: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [table, scope] of Object.entries(scopes)) {
    await sql`alter table ${sql.table(table)} alter column tenant_id set (n_distinct = 1)`.execute(db);
    await sql`alter table ${sql.table(table)} alter column ${sql.ref(scope)} set (n_distinct = 100)`.execute(
      db,
    );
  }
}

/** New pages of partitions keep room for one update of each row: it stays in place and enters no index. */
export async function keepRoomInPartitions(db: Kysely<unknown>, table: string): Promise<void> {
  await sql`
    do $$ declare partition regclass; begin
      for partition in select inhrelid from pg_inherits where inhparent = ${sql.lit(table)}::regclass loop
        execute format('alter table %s set (fillfactor = 45)', partition);
      end loop;
    end $$`.execute(db);
}
