/** The platform has endpoints of its own: what it asks for is kept under its id, which is no tenant's. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  await sql.raw('alter table idempotency_keys drop constraint idempotency_keys_tenant_id_fkey').execute(db);
}
