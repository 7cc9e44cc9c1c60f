/** Tenants take turns at an endpoint of the platform. */
import { type Kysely, sql } from 'kysely';
import { createIndex } from '../concurrent-indexes';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw(createIndex('webhook_deliveries_turns')).execute(db);
}
