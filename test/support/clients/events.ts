/** The events emitted so far, as receivers get them. Each has to match its description in the catalogue. */
import { deepStrictEqual } from 'node:assert';
import { EVENT_SCHEMAS } from '../../../api/webhooks/event-schema';
import type { EventType } from '../../../domain/event-catalogue';
import type { JsonObject } from '../../../domain/json';
import type { TestTenant } from '../environments/push-environment';

/**
 * `data` of the events of a tenant in their order, of one type or of all; with `type` where it is
 * of all.
 */
export async function eventsOf(tenant: TestTenant, type: EventType): Promise<JsonObject[]>;
export async function eventsOf(tenant: TestTenant): Promise<{ type: string; data: JsonObject }[]>;
export async function eventsOf(
  tenant: TestTenant,
  type?: EventType,
): Promise<JsonObject[] | { type: string; data: JsonObject }[]> {
  const rows = await tenant.environment.database.withTenant(tenant.tenantId, ({ trx }) =>
    trx
      .selectFrom('events')
      .select(['type', 'payload'])
      .where('tenantId', '=', tenant.tenantId)
      .orderBy('sequence')
      .execute(),
  );
  for (const row of rows) checkEvent(row.type, row.payload);
  const events = rows.map((row) => ({ type: row.type as string, data: row.payload['data'] as JsonObject }));
  return type === undefined ? events : events.filter((one) => one.type === type).map(({ data }) => data);
}

/** Throws unless the payload has exactly the documented shape. */
export function checkEvent(type: EventType, payload: unknown): void {
  deepStrictEqual(EVENT_SCHEMAS[type].parse(payload), payload);
}
