/** The outbox is a queue per topic, in which tenants take turns. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `create index outbox_ready on outbox (topic, tenant_id, coalesce(leased_until, '-infinity'), outbox_id)`,
    )
    .execute(db);
}
