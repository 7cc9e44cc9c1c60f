/** What was told so far, as receivers get it. Each event has to be as the catalogue describes it. */
import { deepStrictEqual } from 'node:assert';
import { EVENT_SCHEMAS } from '../../../api/webhooks/event-schema';
import type { EventType } from '../../../domain/event-catalogue';
import type { JsonObject } from '../../../domain/json';
import type { TestTenant } from '../environments/push-environment';

/**
 * `data` of the events of a tenant in their order, of one type or of all; `type` is told beside where it is
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
  const told = rows.map((row) => ({ type: row.type as string, data: row.payload['data'] as JsonObject }));
  return type === undefined ? told : told.filter((one) => one.type === type).map(({ data }) => data);
}

/** Throws unless it is of the shape that receivers were told of, with nothing besides. */
export function checkEvent(type: EventType, payload: unknown): void {
  deepStrictEqual(EVENT_SCHEMAS[type].parse(payload), payload);
}
