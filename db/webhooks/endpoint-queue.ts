/** What the lane of an endpoint has to know between two wakes: the endpoint, what waits, and when to look again. Sees all tenants. */
import { sql } from 'kysely';
import type { Work } from '../database';
import { opaqueToPlanner } from '../sql/bulk-rows';
import type { EncryptedSecret } from '../tables/webhooks';

export interface DeliveringEndpoint {
  endpointId: string;
  /** `PLATFORM_TENANT_ID` where it is told of all tenants. */
  tenantId: string;
  url: string;
  ratePerSecond: number | null;
  secrets: EncryptedSecret[];
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
      'disabledAt',
      'deletedAt',
      'blockedUntil',
      'version',
    ])
    .where('webhookEndpointId', '=', endpointId)
    .executeTakeFirst();
}

/** Where the secrets of an endpoint are sealed for: `sealing.open(work, webhookSecretsLocation(endpointId), sealed)`. */
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
  /** When to look again; null = nothing waits. Workflow time. */
  nextDueAt: Date | null;
  pendingDeliveries: number;
}

export async function readEndpointQueueStatus(
  work: Pick<Work, 'trx'>,
  { endpointId }: { endpointId: string },
): Promise<EndpointQueueStatus> {
  const endpoint = await findDeliveringEndpoint(work, { endpointId });
  const { rows } = await sql<{ pending: number; nextAt: Date | null }>`
    select count(*)::int as pending, min(greatest(next_attempt_at, lease_until)) as next_at
    from webhook_deliveries where webhook_endpoint_id = ${opaqueToPlanner(endpointId)} and next_attempt_at is not null`.execute(
    work.trx,
  );
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

/** A claim that is still worked on keeps its rows a little longer. */
export async function renewDeliveries(
  { trx }: Pick<Work, 'trx'>,
  held: HeldDeliveries & { leaseUntil: Date },
): Promise<void> {
  await sql`
    update webhook_deliveries set lease_until = ${held.leaseUntil}
    where webhook_endpoint_id = ${opaqueToPlanner(held.endpointId)} and webhook_delivery_id = any(${held.deliveryIds}::uuid[]) and claim_id = ${held.claimId}`.execute(
    trx,
  );
}

/** What was claimed and not tried is free again, with no attempt used. */
export async function releaseDeliveries({ trx }: Pick<Work, 'trx'>, held: HeldDeliveries): Promise<void> {
  if (held.deliveryIds.length === 0) return;
  await sql`
    update webhook_deliveries set claim_id = null, lease_until = null
    where webhook_endpoint_id = ${opaqueToPlanner(held.endpointId)} and webhook_delivery_id = any(${held.deliveryIds}::uuid[]) and claim_id = ${held.claimId}`.execute(
    trx,
  );
}
