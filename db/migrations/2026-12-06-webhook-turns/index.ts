/** Tenants take turns at an endpoint of the platform. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql
    .raw(
      `create index webhook_deliveries_turns on webhook_deliveries (webhook_endpoint_id, tenant_id, next_attempt_at)
         where next_attempt_at is not null`,
    )
    .execute(db);
}
