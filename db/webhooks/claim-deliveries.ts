/**
 * Claims the due deliveries of one endpoint, of any tenant, and leases them with the bodies to send.
 *
 * Guarantees (rules.md 44):
 * - a delivery is claimed neither before its time nor while another claim's lease lasts;
 * - nothing is claimed if the endpoint was changed since the caller read it (disabled, blocked, another URL
 *   or secret);
 * - the body is the stored payload as text: the same bytes on every attempt.
 *
 * Time is the workflow's, never the database's.
 */
import { sql } from 'kysely';
import type { Work } from '../database';
import { opaqueToPlanner } from '../sql/bulk-rows';
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
}

export interface DeliveryClaimOptions {
  endpoint: Pick<DeliveringEndpoint, 'endpointId' | 'version'>;
  claimId: string;
  now: Date;
  leaseUntil: Date;
  limit: number;
}

export async function claimDueDeliveries(
  work: Pick<Work, 'trx'>,
  { endpoint, claimId, now, leaseUntil, limit }: DeliveryClaimOptions,
): Promise<DeliveryClaim> {
  const current = await findDeliveringEndpoint(work, endpoint);
  const isBlocked = current !== undefined && current.blockedUntil !== null && current.blockedUntil > now;
  if (current?.version !== endpoint.version || stateOfEndpoint(current) !== 'working' || isBlocked)
    return { deliveries: [], isOutdated: true };
  // Updates by the physical row id, found and locked just before: no wrong estimate can spoil this plan. Only
  // together with the id it names one row, because each partition numbers its own.
  const { rows } = await sql<ClaimedDelivery>`
    with due as materialized (
      select ctid, webhook_delivery_id from webhook_deliveries
      where webhook_endpoint_id = ${opaqueToPlanner(endpoint.endpointId)} and next_attempt_at <= ${now} and
        (lease_until is null or lease_until <= ${now})
      order by next_attempt_at limit ${limit} for update skip locked)
    update webhook_deliveries as delivery set claim_id = ${claimId}, lease_until = ${leaseUntil}
    where ctid = any(array(select ctid from due))
      and webhook_delivery_id = any(array(select webhook_delivery_id from due))
    returning tenant_id, webhook_delivery_id as delivery_id, event_id, attempts, created_at,
      (select payload::text from events where events.tenant_id = delivery.tenant_id
        and events.event_id = delivery.event_id) as body`.execute(work.trx);
  return { deliveries: rows, isOutdated: false };
}
