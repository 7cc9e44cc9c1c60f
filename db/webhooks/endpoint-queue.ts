/**
 * What an endpoint's queue reads between two rounds: the endpoint, its waiting deliveries, and when the next
 * one is due. Sees all tenants.
 */
import { sql } from 'kysely';
import { COUNTED_DELIVERIES_MAX } from '../../domain/webhooks/webhook-description';
import type { Work } from '../database';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { inIndexOrder } from '../sql/index-order';
import type { EncryptedSecret } from '../tables/webhooks';

export interface DeliveringEndpoint {
  endpointId: string;
  /** `PLATFORM_TENANT_ID` for an endpoint of the platform. */
  tenantId: string;
  url: string;
  ratePerSecond: number | null;
  secrets: EncryptedSecret[];
  /** Encrypted; null = none. */
  headers: string | null;
  disabledAt: Date | null;
  deletedAt: Date | null;
  blockedUntil: Date | null;
  version: number;
}

export async function findDeliveringEndpoint(
  { trx }: Pick<Work, 'trx'>,
  { endpointId }: { endpointId: string },
): Promise<DeliveringEndpoint | undefined> {
  return trx
    .selectFrom('webhookEndpoints')
    .select([
      'webhookEndpointId as endpointId',
      'tenantId',
      'url',
      'ratePerSecond',
      'secrets',
      'headers',
      'disabledAt',
      'deletedAt',
      'blockedUntil',
      'version',
    ])
    .where('webhookEndpointId', '=', endpointId)
    .executeTakeFirst();
}

/** The location that the endpoint's secrets are encrypted for. */
export function webhookSecretsLocation(endpointId: string) {
  return { table: 'webhook_endpoints', rowId: endpointId, column: 'secrets' };
}

export function stateOfEndpoint(
  endpoint: Pick<DeliveringEndpoint, 'disabledAt' | 'deletedAt'> | undefined,
): 'working' | 'disabled' | 'deleted' {
  if (endpoint === undefined || endpoint.deletedAt !== null) return 'deleted';
  return endpoint.disabledAt === null ? 'working' : 'disabled';
}

export interface EndpointQueueStatus {
  endpoint: DeliveringEndpoint | undefined;
  /** When the next delivery is due; null = none is waiting. Workflow time. */
  nextDueAt: Date | null;
  /** At most `COUNTED_DELIVERIES_MAX`, more than are ever claimed at the same time. */
  pendingDeliveries: number;
}

export async function readEndpointQueueStatus(
  work: Pick<Work, 'trx'>,
  { endpointId }: { endpointId: string },
): Promise<EndpointQueueStatus> {
  const endpoint = await findDeliveringEndpoint(work, { endpointId });
  const waiting = sql<{ pending: number; nextAt: Date | null }>`
    select count(*)::int as pending, min(greatest(next_attempt_at, lease_until)) as next_at from (
      select next_attempt_at, lease_until from webhook_deliveries
      where webhook_endpoint_id = ${opaqueToPlanner(endpointId)} and next_attempt_at is not null
      order by next_attempt_at limit ${COUNTED_DELIVERIES_MAX}) waiting`;
  const { rows } = await inIndexOrder(work, () => waiting.execute(work.trx));
  const { pending: pendingDeliveries = 0, nextAt = null } = rows[0] ?? {};
  const blockedUntil = endpoint?.blockedUntil ?? null;
  const nextDueAt = nextAt !== null && blockedUntil !== null && blockedUntil > nextAt ? blockedUntil : nextAt;
  return { endpoint, nextDueAt, pendingDeliveries };
}

interface HeldDeliveries {
  endpointId: string;
  claimId: string;
  deliveryIds: readonly string[];
}

/** Extends the leases of a claim that is still being worked on. */
export async function renewDeliveries(
  { trx }: Pick<Work, 'trx'>,
  held: HeldDeliveries & { leaseUntil: Date },
): Promise<void> {
  await sql`
    update webhook_deliveries set lease_until = ${held.leaseUntil}
    where webhook_endpoint_id = ${opaqueToPlanner(held.endpointId)} and
      webhook_delivery_id = any(${held.deliveryIds}::uuid[]) and claim_id = ${held.claimId}`.execute(trx);
}

/** Releases deliveries that were claimed but not tried; no attempt is counted. */
export async function releaseDeliveries({ trx }: Pick<Work, 'trx'>, held: HeldDeliveries): Promise<void> {
  if (held.deliveryIds.length === 0) return;
  await sql`
    update webhook_deliveries set claim_id = null, lease_until = null
    where webhook_endpoint_id = ${opaqueToPlanner(held.endpointId)} and
      webhook_delivery_id = any(${held.deliveryIds}::uuid[]) and claim_id = ${held.claimId}`.execute(trx);
}
