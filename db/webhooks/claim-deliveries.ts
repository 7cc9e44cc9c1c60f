/**
 * Claims the due deliveries of one endpoint, of any tenant, and leases them with the bodies to send.
 *
 * Guarantees (rules.md 44):
 * - a delivery is claimed neither before its time nor while another claim's lease lasts;
 * - nothing is claimed if the endpoint was changed since the caller read it (disabled, blocked, another URL
 *   or secret);
 * - the body is the stored payload as text: the same bytes on every attempt;
 * - tenants take turns at an endpoint of the platform (rules.md 59).
 *
 * Time is the workflow's, never the database's.
 */
import { type RawBuilder, sql } from 'kysely';
import type { Work } from '../database';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { readInOrder } from '../sql/index-order';
import { PLATFORM_TENANT_ID } from '../tables/tenants';
import { type DeliveringEndpoint, findDeliveringEndpoint, stateOfEndpoint } from './endpoint-queue';

export interface ClaimedDelivery {
  /** The event's tenant. */
  tenantId: string;
  deliveryId: string;
  eventId: string;
  /** Attempts before this one. */
  attempts: number;
  createdAt: Date;
  /** null = the event has been deleted. */
  body: string | null;
}

export interface DeliveryClaim {
  deliveries: ClaimedDelivery[];
  /** The endpoint was changed since the caller read it, and nothing was claimed: read it again. */
  isOutdated: boolean;
  /** At an endpoint of the platform: the tenant whose turn it was last. */
  lastTenant?: string | undefined;
}

export interface DeliveryClaimOptions {
  endpoint: Pick<DeliveringEndpoint, 'endpointId' | 'version'>;
  claimId: string;
  now: Date;
  leaseUntil: Date;
  limit: number;
  /** Of an endpoint of the platform: the tenants behind this one come first. */
  afterTenant?: string | undefined;
}

/** An endpoint of the platform looks at the deliveries of this many tenants at a time. */
const TENANTS_PER_TURN = 200;

export async function claimDueDeliveries(
  work: Pick<Work, 'trx'>,
  options: DeliveryClaimOptions,
): Promise<DeliveryClaim> {
  const { endpoint, now, limit } = options;
  const current = await findDeliveringEndpoint(work, endpoint);
  const isBlocked = current !== undefined && current.blockedUntil !== null && current.blockedUntil > now;
  if (current?.version !== endpoint.version || stateOfEndpoint(current) !== 'working' || isBlocked)
    return { deliveries: [], isOutdated: true };
  await readInOrder(work);
  const isShared = current.tenantId === PLATFORM_TENANT_ID;
  const tenants = isShared ? await tenantsInTurn(work, options) : [];
  const inTurn = tenants.length === 0 ? [] : await claimDue(work, options, dueInTurn(options, tenants));
  const room = limit - inTurn.length;
  const oldest = room === 0 ? [] : await claimDue(work, options, oldestDue({ ...options, limit: room }));
  // Also if nothing of theirs was due: those behind them would never have a turn.
  return { deliveries: [...inTurn, ...oldest], isOutdated: false, lastTenant: tenants.at(-1) };
}

const isDue = ({ endpoint, now }: DeliveryClaimOptions) => sql`
  webhook_endpoint_id = ${opaqueToPlanner(endpoint.endpointId)} and next_attempt_at <= ${now} and
    (lease_until is null or lease_until <= ${now})`;

const oldestDue = (options: DeliveryClaimOptions) => sql`
  due as materialized (
    select ctid, webhook_delivery_id from webhook_deliveries where ${isDue(options)}
    order by next_attempt_at limit ${options.limit} for update skip locked)`;

async function tenantsInTurn(
  { trx }: Pick<Work, 'trx'>,
  { endpoint, limit, afterTenant }: DeliveryClaimOptions,
): Promise<string[]> {
  const isWaiting = sql`webhook_endpoint_id = ${opaqueToPlanner(endpoint.endpointId)}
    and next_attempt_at is not null`;
  const { rows } = await sql<{ tenantId: string }>`
    with recursive tenants as (
      (select tenant_id, 1 as place from webhook_deliveries
        where ${isWaiting} and ${afterTenant === undefined ? sql`true` : sql`tenant_id > ${afterTenant}::uuid`}
        order by tenant_id limit 1)
      union all
      select behind.tenant_id, place + 1 from tenants cross join lateral (
        select tenant_id from webhook_deliveries
        where ${isWaiting} and tenant_id > tenants.tenant_id order by tenant_id limit 1) behind
      where place < ${Math.min(TENANTS_PER_TURN, limit)}::int)
    select tenant_id from tenants order by place`.execute(trx);
  return rows.map(({ tenantId }) => tenantId);
}

/** An equal part of the limit for each tenant. What is left of it goes to the oldest deliveries. */
const dueInTurn = (options: DeliveryClaimOptions, tenants: readonly string[]) => sql`
  due as materialized (
    select one.* from unnest(${tenants}::uuid[]) as turn(tenant_id) cross join lateral (
      select ctid, webhook_delivery_id from webhook_deliveries
      where ${isDue(options)} and tenant_id = turn.tenant_id
      order by next_attempt_at limit ${Math.floor(options.limit / tenants.length)}
      for update skip locked) as one)`;

/**
 * Updates by the physical row id, found and locked just before: no wrong estimate can spoil this plan. Only
 * together with the id it names one row, because each partition numbers its own.
 */
async function claimDue(
  { trx }: Pick<Work, 'trx'>,
  { claimId, leaseUntil }: DeliveryClaimOptions,
  due: RawBuilder<unknown>,
): Promise<ClaimedDelivery[]> {
  const { rows } = await sql<ClaimedDelivery>`
    with recursive ${due}
    update webhook_deliveries as delivery set claim_id = ${claimId}, lease_until = ${leaseUntil}
    where ctid = any(array(select ctid from due))
      and webhook_delivery_id = any(array(select webhook_delivery_id from due))
    returning tenant_id, webhook_delivery_id as delivery_id, event_id, attempts, created_at,
      (select payload::text from events where events.tenant_id = delivery.tenant_id
        and events.event_id = delivery.event_id) as body`.execute(trx);
  return rows;
}
