/** What the lanes of webhook endpoints need: the sweep finds them, what is over is tidied up, and the platform has secrets of its own. */
import { type Kysely, sql } from 'kysely';

export async function up(db: Kysely<unknown>): Promise<void> {
  for (const statement of [...policies(), ...grants(), ...changes()]) await sql.raw(statement).execute(db);
}

function policies(): string[] {
  return ['webhook_endpoints', 'events'].map(
    (table) => `create policy of_the_dispatcher on ${table} to syncline_dispatcher using (true)`,
  );
}

function grants(): string[] {
  return [
    `grant select (tenant_id, webhook_endpoint_id, blocked_until) on webhook_endpoints to syncline_dispatcher`,
    `grant select (event_id, lease_until) on webhook_deliveries to syncline_dispatcher`,
    `grant select (tenant_id, event_id) on events to syncline_dispatcher`,
  ];
}

function changes(): string[] {
  return [
    // A lane knows its endpoint, not whose it is.
    `create index webhook_endpoints_by_id on webhook_endpoints (webhook_endpoint_id)`,
    // The owner of the platform's endpoints is no tenant, yet seals their secrets.
    `alter table tenant_keys drop constraint tenant_keys_tenant_id_fkey`,
  ];
}
