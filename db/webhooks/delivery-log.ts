/**
 * The delivery log, and what people can resend (rules.md 45): one delivery, or everything that an endpoint
 * missed since a time. A resend is a delivery of its own with the same event id, so the log stays complete
 * and receivers can detect repeats.
 */
import { type RawBuilder, type Selectable, sql } from 'kysely';
import type { EventType } from '../../domain/event-catalogue';
import type { JsonObject } from '../../domain/json';
import type { TenantWork } from '../database';
import { idAt, newUuid } from '../sql/ids';
import { enqueue } from '../platform/outbox';
import { idList, opaqueToPlanner, rowsFrom } from '../sql/bulk-rows';
import { inIndexOrder } from '../sql/index-order';
import { PLATFORM_TENANT_ID } from '../tables/tenants';
import type { DeliveryState, WebhookAttemptsTable, WebhookDeliveriesTable } from '../tables/webhooks';

export type Delivery = Omit<Selectable<WebhookDeliveriesTable>, 'claimId' | 'leaseUntil' | 'supersededAt'> & {
  eventType: EventType;
};
export type Attempt = Omit<Selectable<WebhookAttemptsTable>, 'tenantId' | 'webhookDeliveryId'>;

export interface DeliveryFilter {
  endpointId?: string | undefined;
  state?: DeliveryState | undefined;
  eventType?: EventType | undefined;
  /** Created at or after the first instant and before the second. */
  from?: Date | undefined;
  to?: Date | undefined;
}

interface Kept {
  /** Deliveries of older events are not shown, even if they are not deleted yet. */
  since: Date;
}

/** The newest first, before `before` (a delivery id). */
export async function listDeliveries(
  work: TenantWork,
  {
    since,
    limit,
    before,
    endpointId,
    state,
    eventType,
    from,
    to,
  }: DeliveryFilter & Kept & { limit: number; before?: string | undefined },
): Promise<Delivery[]> {
  const given = (value: unknown, condition: RawBuilder<unknown>) => (value === undefined ? [] : [condition]);
  const wanted = [
    ...given(endpointId, sql`delivery.webhook_endpoint_id = ${endpointId}`),
    ...given(state, sql`delivery.state = ${state}`),
    ...given(eventType, sql`event.type = ${eventType}`),
    ...given(from, sql`delivery.created_at >= ${from}`),
    ...given(to, sql`delivery.created_at < ${to}`),
    ...given(before, sql`delivery.webhook_delivery_id < ${before}`),
  ];
  return asOwner(work, async () => {
    const page = sql<Delivery>`
      ${selectDeliveries(work, { since })} ${sql.join([sql``, ...wanted], sql` and `)} order by
        delivery.webhook_delivery_id desc limit ${limit}`;
    return (await inIndexOrder(work, () => page.execute(work.trx))).rows;
  });
}

export interface DeliveryWithAttempts extends Delivery {
  /** The body that the receiver gets. */
  payload: JsonObject;
  tries: Attempt[];
}

export async function findDelivery(
  work: TenantWork,
  { deliveryId, since }: Kept & { deliveryId: string },
): Promise<DeliveryWithAttempts | undefined> {
  return asOwner(work, async () => {
    const { rows } = await sql<Delivery & { payload: JsonObject }>`
      ${selectDeliveries(work, { since }, sql`, event.payload`)} and delivery.webhook_delivery_id =
        ${deliveryId}`.execute(work.trx);
    const [delivery] = rows;
    if (delivery === undefined) return undefined;
    const tries = await work.trx
      .selectFrom('webhookAttempts')
      .select([
        'attempt',
        'at',
        'durationMs',
        'status',
        'error',
        'requestHeaders',
        'responseHeaders',
        'responseBody',
      ])
      .where('tenantId', '=', delivery.tenantId)
      .where('webhookDeliveryId', '=', deliveryId)
      .orderBy('attempt')
      .execute();
    return { ...delivery, tries };
  });
}

/** Sends the event of a delivery again, whatever its state. @returns the id of the new delivery. */
export async function resendDelivery(
  work: TenantWork,
  { tenantId, webhookEndpointId, eventId }: Delivery,
): Promise<string> {
  const [deliveryId] = await asOwner(work, () =>
    addDeliveries(work, webhookEndpointId, 'resend', [{ tenantId, eventId }]),
  );
  return deliveryId as string;
}

/** The most that one request resends; the next request with the same start time resends the rest. */
const RECOVERED_MAX = 10_000;
/** How often one request reads failed deliveries. Those whose event arrived later do not count as sent. */
const LOOKS_MAX = 3;

/** Resends the events since then that neither reached the endpoint nor are waiting. `recovered`: how many. */
export async function recoverDeliveries(
  work: TenantWork,
  { endpointId, since }: { endpointId: string; since: Date },
): Promise<{ recovered: number; hasMore: boolean }> {
  return asOwner(work, async () => {
    let [recovered, hasMore] = [0, true];
    for (let looks = 0; looks < LOOKS_MAX && hasMore && recovered < RECOVERED_MAX; looks += 1) {
      const failed = await findFailed(work, { endpointId, since, limit: RECOVERED_MAX });
      const taken = upToMissed(failed, RECOVERED_MAX - recovered);
      await supersede(work, endpointId, taken);
      const missed = taken.filter(({ isMissed }) => isMissed);
      recovered += (await addDeliveries(work, endpointId, 'recover', missed)).length;
      hasMore = failed.length === RECOVERED_MAX || taken.length < failed.length;
    }
    return { recovered, hasMore };
  });
}

/** Up to the last one for which there is room: those that were not missed take none. */
function upToMissed(failed: readonly FailedDelivery[], room: number): readonly FailedDelivery[] {
  const tooMany = failed.filter(({ isMissed }) => isMissed)[room];
  return tooMany === undefined ? failed : failed.slice(0, failed.indexOf(tooMany));
}

interface FailedDelivery {
  tenantId: string;
  deliveryId: string;
  eventId: string;
  /** No other delivery of the event arrived, waits, or failed later. */
  isMissed: boolean;
}

/** Ids begin with the time of the process that made them, and its clock may differ. */
const CLOCKS_APART_MS = 3_600_000;

/** The oldest failed deliveries since then that were not looked at before. */
async function findFailed(
  work: TenantWork,
  { endpointId, since, limit }: { endpointId: string; since: Date; limit: number },
): Promise<FailedDelivery[]> {
  const isOfEndpoint = sql`webhook_endpoint_id = ${opaqueToPlanner(endpointId)}`;
  const failed = sql<FailedDelivery>`
    select tenant_id, webhook_delivery_id as delivery_id, event_id, exists (
        select from events event where event.tenant_id = delivery.tenant_id
          and event.event_id = delivery.event_id)
      and (select true from webhook_deliveries other
        where other.tenant_id = delivery.tenant_id and other.event_id = delivery.event_id
          and other.webhook_endpoint_id = delivery.webhook_endpoint_id
          and (other.state not in ('failed', 'disabled')
            or other.webhook_delivery_id > delivery.webhook_delivery_id)
        limit 1) is null as is_missed
    from (
      select tenant_id, webhook_delivery_id, webhook_endpoint_id, event_id from webhook_deliveries row
      where ${isOfEndpoint} and ${isOf(work, sql`row`)} and state in ('failed', 'disabled')
        and superseded_at is null and created_at >= ${since}
        and webhook_delivery_id >= ${idAt(since.getTime() - CLOCKS_APART_MS)}
      order by webhook_delivery_id limit ${limit}) delivery`;
  return (await inIndexOrder(work, () => failed.execute(work.trx))).rows;
}

/** Each is looked at once, however often and from whatever time people recover. */
async function supersede(
  work: TenantWork,
  endpointId: string,
  taken: readonly FailedDelivery[],
): Promise<void> {
  const ids = taken.map(({ deliveryId }) => deliveryId);
  await sql`
    update webhook_deliveries set superseded_at = ${work.now}
    where webhook_endpoint_id = ${opaqueToPlanner(endpointId)} and webhook_delivery_id = any(${idList(ids)})
      and webhook_delivery_id between ${ids[0] ?? null} and ${ids.at(-1) ?? null}`.execute(work.trx);
}

async function addDeliveries(
  { trx, tenantId, now }: TenantWork,
  endpointId: string,
  trigger: 'resend' | 'recover',
  events: readonly { tenantId: string; eventId: string }[],
): Promise<string[]> {
  if (events.length === 0) return [];
  const rows = events.map((event) => ({
    tenant_id: event.tenantId,
    event_id: event.eventId,
    delivery_id: newUuid(),
  }));
  await sql`
    insert into webhook_deliveries (tenant_id, webhook_delivery_id, webhook_endpoint_id, event_id, state,
      trigger, next_attempt_at, created_at)
    select tenant_id, delivery_id, ${endpointId}::uuid, event_id, 'pending', ${trigger},
      ${now}::timestamptz, ${now}::timestamptz
    from ${rowsFrom(rows, 'tenant_id uuid, event_id uuid, delivery_id uuid')}`.execute(trx);
  await enqueue({ trx, tenantId }, { topic: 'webhook_endpoint', endpointId, nextDueAt: now });
  return rows.map(({ delivery_id: deliveryId }) => deliveryId);
}

/** Only deliveries to the owner's endpoints: a tenant does not see what the platform's endpoints receive. */
function selectDeliveries(
  work: TenantWork,
  { since }: Kept,
  more: RawBuilder<unknown> = sql``,
): RawBuilder<Delivery> {
  return sql<Delivery>`
    select delivery.tenant_id, delivery.webhook_delivery_id, delivery.webhook_endpoint_id,
      delivery.event_id, delivery.state, delivery.trigger, delivery.attempts,
      delivery.next_attempt_at, delivery.last_status, delivery.last_error, delivery.created_at,
        delivery.finished_at, event.type as event_type ${more}
    from webhook_deliveries delivery
    join webhook_endpoints endpoint on endpoint.tenant_id = ${opaqueToPlanner(work.tenantId)} and
      endpoint.webhook_endpoint_id = delivery.webhook_endpoint_id
    join events event on event.tenant_id = delivery.tenant_id and event.event_id = delivery.event_id
    where ${isOf(work, sql`delivery`)} and event.created_at > ${since}`;
}

function isOf({ tenantId }: TenantWork, table: RawBuilder<unknown>): RawBuilder<boolean> {
  return tenantId === PLATFORM_TENANT_ID ? sql`true` : sql`${table}.tenant_id = ${opaqueToPlanner(tenantId)}`;
}

/**
 * The platform's endpoints receive events of all tenants. Their owner sees those deliveries and nothing else
 * of a tenant.
 */
async function asOwner<T>({ trx, tenantId }: TenantWork, run: () => Promise<T>): Promise<T> {
  if (tenantId !== PLATFORM_TENANT_ID) return run();
  await sql`select set_config('role', 'syncline_webhooks', true)`.execute(trx);
  const result = await run();
  await sql`select set_config('role', 'syncline_app', true)`.execute(trx);
  return result;
}
