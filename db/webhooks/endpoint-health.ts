/** The health of endpoints, and what happens to one that keeps failing (rules.md 45). */
import { sql } from 'kysely';
import type { EndpointHealth } from '../../domain/webhooks/endpoint-health';
import type { TenantWork, Work } from '../database';
import { emitEvents } from './events';
import { toTypeId } from '../sql/ids';
import { notifyAdmins } from '../notifications/notifications';
import { rowsFrom, opaqueToPlanner } from '../sql/bulk-rows';
import { PLATFORM_TENANT_ID } from '../tables/tenants';
import type { FinishedDelivery } from './finished-delivery';
import { type DeliveringEndpoint, findDeliveringEndpoint, stateOfEndpoint } from './endpoint-queue';

type EndpointKey = Pick<DeliveringEndpoint, 'endpointId' | 'tenantId'>;

/** A success ends a series of failures. */
export async function recordSuccess(
  { trx }: Pick<Work, 'trx'>,
  { endpointId, tenantId }: EndpointKey,
): Promise<void> {
  await sql`
    update webhook_endpoints set failing_since = null, failed_attempts = 0, failed_messages = 0,
      warned_at = null, blocked_until = null
    where tenant_id = ${tenantId} and webhook_endpoint_id = ${endpointId} and failing_since is not
      null`.execute(trx);
}

/** Counts failures. A message counts once per series. */
export async function recordFailures(
  { trx }: Pick<Work, 'trx'>,
  { endpoint, failures }: { endpoint: EndpointKey; failures: readonly FinishedDelivery[] },
): Promise<EndpointHealth | null> {
  const keys = failures.map(({ delivery }) => ({
    tenant_id: delivery.tenantId,
    delivery_id: delivery.deliveryId,
    attempts: delivery.attempts,
  }));
  // Compares when attempts ended: an attempt that began before the series may end within it.
  const since = new Date(
    Math.min(...failures.map(({ attempt }) => attempt.at.getTime() + attempt.durationMs)),
  );
  const { rows } = await sql<EndpointHealth>`
    update webhook_endpoints as endpoint set
      failing_since = coalesce(failing_since, ${since}::timestamptz),
      failed_attempts = failed_attempts + ${failures.length},
      failed_messages = failed_messages + (
        select count(*)::int from ${rowsFrom(keys, 'tenant_id uuid, delivery_id uuid, attempts int')}
        left join lateral (
          select at + make_interval(secs => duration_ms / 1000.0) as ended_at from webhook_attempts
          where tenant_id = row.tenant_id and webhook_delivery_id = row.delivery_id
            and attempt = row.attempts limit 1) before on true
        where before.ended_at is null or endpoint.failing_since is null
          or before.ended_at < endpoint.failing_since)
    where tenant_id = ${endpoint.tenantId} and webhook_endpoint_id = ${endpoint.endpointId}
    returning failing_since, failed_attempts, failed_messages, warned_at`.execute(trx);
  return rows[0] ?? null;
}

/**
 * Records the warning and notifies the tenant's admins in one transaction. For an endpoint of the platform
 * only the log is written. `health`: the value that made the warning due. @returns false if it has changed,
 * or if the warning was already sent.
 */
export async function warnOfEndpoint(
  work: TenantWork,
  {
    endpointId,
    health,
    at,
  }: { endpointId: string; health: Pick<EndpointHealth, 'failingSince' | 'warnedAt'>; at: Date },
): Promise<boolean> {
  const { trx, tenantId } = work;
  const warned = await trx
    .updateTable('webhookEndpoints')
    .set({ warnedAt: at })
    .where('tenantId', '=', tenantId)
    .where('webhookEndpointId', '=', endpointId)
    .where('failingSince', '=', health.failingSince)
    .where('warnedAt', 'is not distinct from', health.warnedAt)
    .where('disabledAt', 'is', null)
    .where('deletedAt', 'is', null)
    .returning('url')
    .executeTakeFirst();
  if (warned === undefined) return false;
  if (tenantId === PLATFORM_TENANT_ID) return true;
  const { host } = new URL(warned.url);
  const detail = `${host} has accepted nothing since ${health.failingSince?.toISOString()}.`;
  await notifyAdmins(work, {
    kind: 'endpoint_failing',
    integrationId: null,
    webhookEndpointId: endpointId,
    detail,
  });
  return true;
}

/** Pauses deliveries to a receiver that keeps failing. */
export async function blockEndpoint(
  { trx }: Pick<Work, 'trx'>,
  { endpoint, until }: { endpoint: EndpointKey; until: Date | null },
): Promise<void> {
  await trx
    .updateTable('webhookEndpoints')
    .set({ blockedUntil: until })
    .where('tenantId', '=', endpoint.tenantId)
    .where('webhookEndpointId', '=', endpoint.endpointId)
    .execute();
}

/**
 * Disables an endpoint and notifies its tenant in one transaction; a platform endpoint has no tenant to
 * notify. @returns false if it was already disabled.
 */
export async function disableEndpoint(
  work: TenantWork,
  { endpointId, reason }: { endpointId: string; reason: 'gone' | 'failing' },
): Promise<boolean> {
  const { trx, tenantId, now } = work;
  const disabled = await trx
    .updateTable('webhookEndpoints')
    .set(({ eb }) => ({
      disabledAt: now,
      disabledReason: reason,
      updatedAt: now,
      version: eb('version', '+', 1),
    }))
    .where('tenantId', '=', tenantId)
    .where('webhookEndpointId', '=', endpointId)
    .where('disabledAt', 'is', null)
    .where('deletedAt', 'is', null)
    .returning(['failingSince', 'url'])
    .executeTakeFirst();
  if (disabled === undefined) return false;
  const data = {
    endpoint_id: toTypeId('whe', endpointId),
    reason,
    failing_since: (disabled.failingSince ?? now).toISOString(),
  };
  if (tenantId === PLATFORM_TENANT_ID) return true;
  await emitEvents(work, [{ type: 'ENDPOINT_DISABLED', integrationId: null, data }]);
  const { host } = new URL(disabled.url);
  const detail = reason === 'gone' ? `${host} answered 410 (Gone).` : `${host} accepted nothing for 5 days.`;
  await notifyAdmins(work, {
    kind: 'endpoint_disabled',
    integrationId: null,
    webhookEndpointId: endpointId,
    detail,
  });
  return true;
}

const DISABLED_AT_ONCE = 1_000;

/**
 * Ends waiting deliveries if the endpoint is disabled. They are kept and can be recovered.
 * @returns `more`: call again.
 */
export async function disableWaiting(
  work: Pick<Work, 'trx'>,
  { endpointId, now }: { endpointId: string; now: Date },
): Promise<'done' | 'more'> {
  if (stateOfEndpoint(await findDeliveringEndpoint(work, { endpointId })) === 'working') return 'done';
  const { rows } = await sql<{ found: number; changed: number }>`
    with waiting as materialized (
      select ctid, webhook_delivery_id from webhook_deliveries
      where webhook_endpoint_id = ${opaqueToPlanner(endpointId)} and next_attempt_at is not null
        and (lease_until is null or lease_until <= ${now})
      limit ${DISABLED_AT_ONCE} for update),
    ended as (update webhook_deliveries set state = 'disabled', next_attempt_at = null, claim_id = null,
      lease_until = null
    where ctid = any(array(select ctid from waiting))
      and webhook_delivery_id = any(array(select webhook_delivery_id from waiting)) returning true)
    select (select count(*) from waiting)::int as found, (select count(*) from ended)::int as changed`.execute(
    work.trx,
  );
  const { found, changed } = rows[0] ?? { found: 0, changed: 0 };
  // A row that another transaction has just changed was omitted, and waits for the next call.
  return changed === found && found < DISABLED_AT_ONCE ? 'done' : 'more';
}
