/** What was canceled at third parties before a tenant was deleted: counts of integrations in the receipt. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`alter table tenant_deletions
    add column subscriptions_canceled integer, add column subscriptions_left integer`.execute(db);
}
