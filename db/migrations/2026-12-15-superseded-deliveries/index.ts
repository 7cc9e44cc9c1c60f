/** Recovering missed deliveries looks at each failed one once (rules.md 45, 60). */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table webhook_deliveries add column superseded_at timestamptz`.execute(db);
  await sql`create index webhook_deliveries_missed on webhook_deliveries
    (webhook_endpoint_id, webhook_delivery_id)
    where state in ('failed', 'disabled') and superseded_at is null`.execute(db);
}
