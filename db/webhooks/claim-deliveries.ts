/**
 * The claim: takes what is due to one endpoint, of whichever tenant, and leases it with the bodies to send.
 *
 * Guarantees (rules.md 44):
 * - nothing is claimed before its time, nor while another claim's lease lives;
 * - nothing is claimed for an endpoint that has changed since the caller read it: switched off, paused, another address or secret;
 * - the body is the text of the stored payload: the same bytes on every attempt.
 *
 * Time is the workflow's, never the database's.
 */
import { sql } from 'kysely';
import type { Work } from '../database';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { type DeliveringEndpoint, findDeliveringEndpoint, stateOfEndpoint } from './endpoint-queue';

export interface ClaimedDelivery {
  /** Of the event. */
  tenantId: string;
  deliveryId: string;
  eventId: string;
  /** Made before this one. */
  attempts: number;
  createdAt: Date;
  /** null = the event is no longer kept. */
  body: string | null;
}

export interface DeliveryClaim {
  deliveries: ClaimedDelivery[];
  /** The endpoint is not what the caller took it for, and nothing was claimed: read it again. */
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
  // By their places in the table, found and locked a moment before: a plan that no statistics can spoil.
  const { rows } = await sql<ClaimedDelivery>`
    update webhook_deliveries as delivery set claim_id = ${claimId}, lease_until = ${leaseUntil}
    where ctid = any(array(
      select ctid from webhook_deliveries
      where webhook_endpoint_id = ${opaqueToPlanner(endpoint.endpointId)} and next_attempt_at <= ${now} and (lease_until is null or lease_until <= ${now})
      order by next_attempt_at limit ${limit} for update skip locked))
    returning tenant_id, webhook_delivery_id as delivery_id, event_id, attempts, created_at,
      (select payload::text from events where events.tenant_id = delivery.tenant_id and events.event_id = delivery.event_id) as body`.execute(
    work.trx,
  );
  return { deliveries: rows, isOutdated: false };
}
