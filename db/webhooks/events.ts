/**
 * Events, written in the transaction that makes them true, with a delivery for every endpoint that subscribes
 * to them and an outbox row per endpoint (rules.md 37 to 43).
 *
 * The tenant's sequence is taken last in a transaction. Its row stays locked until the end, so sequence
 * numbers follow the order of commits.
 */
import { sql } from 'kysely';
import { envelope, type EventData, type EventType } from '../../domain/event-catalogue';
import type { JsonObject } from '../../domain/json';
import type { TenantWork } from '../database';
import { newUuid, toTypeId } from '../sql/ids';
import { enqueue, outboxInsert } from '../platform/outbox';
import { rowsFrom } from '../sql/bulk-rows';
import { PLATFORM_TENANT_ID } from '../tables/tenants';

export type NewEvent = {
  [Type in EventType]: { type: Type; integrationId: string | null; data: EventData[Type] };
}[EventType];

interface ListeningEndpoint {
  webhookEndpointId: string;
  eventTypes: EventType[] | null;
  integrationIds: string[] | null;
  /** Disabled. */
  isOff: boolean;
}

/** Emits events. @returns their ids, in order. */
export async function emitEvents(work: TenantWork, events: readonly NewEvent[]): Promise<string[]> {
  if (events.length === 0) return [];
  const { written, endpoints } = await writeEvents(work, events);
  await addDeliveries(work, written, endpoints);
  return written.map(({ eventId }) => eventId);
}

/** Sends a test event to one endpoint, whatever it subscribes to. @returns the id of the delivery. */
export async function emitTest(
  work: TenantWork,
  { endpointId, message }: { endpointId: string; message: string },
): Promise<string> {
  const { trx, tenantId, now } = work;
  const deliveryId = newUuid();
  const { written } = await writeEvents(work, [{ type: 'TEST', integrationId: null, data: { message } }]);
  for (const { eventId } of written)
    await sql`
      insert into webhook_deliveries (tenant_id, webhook_delivery_id, webhook_endpoint_id, event_id, state,
        trigger, next_attempt_at, created_at)
      values (${tenantId}, ${deliveryId}, ${endpointId}, ${eventId}, 'pending', 'test', ${now},
        ${now})`.execute(trx);
  await enqueue(work, { topic: 'webhook_endpoint', endpointId, nextDueAt: now });
  return deliveryId;
}

interface WrittenEvent {
  eventId: string;
  type: EventType;
  integrationId: string | null;
}

/** In one statement, writes the events and reads the endpoints that may want them. */
async function writeEvents(
  work: TenantWork,
  events: readonly NewEvent[],
): Promise<{ written: WrittenEvent[]; endpoints: ListeningEndpoint[] }> {
  const { trx, tenantId, now } = work;
  const first = await takeSequences(work, events.length);
  const tenant = toTypeId('ten', tenantId);
  const rows = events.map(({ type, integrationId, data }, position) => {
    const eventId = newUuid();
    const sequence = first + position;
    const payload = envelope({
      id: toTypeId('evt', eventId),
      type,
      tenantId: tenant,
      sequence,
      at: now,
      data: data as unknown as JsonObject,
    });
    return { event_id: eventId, sequence, type, integration_id: integrationId, payload };
  });
  const columns = 'event_id uuid, sequence bigint, type text, integration_id uuid, payload jsonb';
  const { rows: endpoints } = await sql<ListeningEndpoint>`
    with written as (
      insert into events (tenant_id, event_id, sequence, type, integration_id, payload, created_at)
      select ${tenantId}::uuid, event_id, sequence, type, integration_id, payload, ${now}::timestamptz
      from ${rowsFrom(rows, columns)})
    select webhook_endpoint_id, event_types, integration_ids, disabled_at is not null as is_off
      from webhook_endpoints
    where tenant_id in (${tenantId}, ${PLATFORM_TENANT_ID}) and deleted_at is null`.execute(trx);
  const written = rows.map(({ event_id: eventId, type, integration_id: integrationId }) => ({
    eventId,
    type,
    integrationId,
  }));
  return { written, endpoints };
}

async function takeSequences({ trx, tenantId }: TenantWork, count: number): Promise<number> {
  const { rows } = await sql<{ lastSequence: number }>`
    insert into event_sequences as sequence (tenant_id, last_sequence) values (${tenantId}, ${count})
    on conflict (tenant_id) do update set last_sequence = sequence.last_sequence + ${count} returning
      last_sequence`.execute(trx);
  return (rows[0]?.lastSequence ?? count) - count + 1;
}

/**
 * Disabled endpoints get deliveries too, in the state `disabled`, so that they can be recovered (rules.md
 * 45).
 */
async function addDeliveries(
  work: TenantWork,
  events: readonly WrittenEvent[],
  endpoints: readonly ListeningEndpoint[],
): Promise<void> {
  const { trx, tenantId, now } = work;
  const deliveries = endpoints.flatMap((endpoint) =>
    events
      .filter((event) => wants(endpoint, event))
      .map(({ eventId }) => ({
        delivery_id: newUuid(),
        endpoint_id: endpoint.webhookEndpointId,
        event_id: eventId,
        is_off: endpoint.isOff,
      })),
  );
  if (deliveries.length === 0) return;
  const working = new Set(deliveries.flatMap((delivery) => (delivery.is_off ? [] : [delivery.endpoint_id])));
  const messages = [...working].map(
    (endpointId) => ({ topic: 'webhook_endpoint', endpointId, nextDueAt: now }) as const,
  );
  const queued = messages.length === 0 ? sql`` : sql`with queued as (${outboxInsert(work, messages)})`;
  await sql`
    ${queued}
    insert into webhook_deliveries (tenant_id, webhook_delivery_id, webhook_endpoint_id, event_id, state,
      trigger, next_attempt_at, created_at)
    select ${tenantId}::uuid, delivery_id, endpoint_id, event_id, case when is_off then 'disabled'
      else 'pending' end, 'event',
      case when is_off then null else ${now}::timestamptz end, ${now}::timestamptz
    from ${rowsFrom(
      deliveries,
      `
        delivery_id uuid, endpoint_id uuid, event_id uuid, is_off boolean`,
    )}`.execute(trx);
}

function wants(
  { eventTypes, integrationIds }: ListeningEndpoint,
  { type, integrationId }: { type: EventType; integrationId: string | null },
): boolean {
  if (eventTypes !== null && !eventTypes.includes(type)) return false;
  return integrationIds === null || (integrationId !== null && integrationIds.includes(integrationId));
}
