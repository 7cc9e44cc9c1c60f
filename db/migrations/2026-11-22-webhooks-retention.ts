/** Who tidies up forgets deliveries and their attempts together with their event. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create policy of_the_dispatcher on webhook_attempts to syncline_dispatcher using (true)`,
    `grant select (webhook_delivery_id, created_at), delete on webhook_deliveries to syncline_dispatcher`,
    `grant select (tenant_id, webhook_delivery_id), delete on webhook_attempts to syncline_dispatcher`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
