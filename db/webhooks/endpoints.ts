/**
 * Webhook endpoints as people manage them (rules.md 43 to 45). The owner is a tenant, or the platform with an
 * id of its own. Secrets arrive and are stored encrypted.
 */
import { type Selectable, sql } from 'kysely';
import type { EventType } from '../../domain/event-catalogue';
import type { TenantWork } from '../database';
import { enqueue } from '../platform/outbox';
import type { EncryptedSecret, WebhookEndpointsTable } from '../tables/webhooks';

export type Endpoint = Omit<Selectable<WebhookEndpointsTable>, 'tenantId'>;

export interface EndpointSettings {
  url: string;
  description: string;
  /** null = all. */
  eventTypes: EventType[] | null;
  integrationIds: string[] | null;
  ratePerSecond: number | null;
  /** Encrypted; null = none. */
  headers: string | null;
  headerNames: string[];
}

interface EndpointKey {
  endpointId: string;
}

/** The location that the endpoint's secrets are encrypted for. */
export function endpointSecretsLocation({ endpointId }: EndpointKey) {
  return { table: 'webhook_endpoints', rowId: endpointId, column: 'secrets' };
}

/** The location that the endpoint's own headers are encrypted for. */
export function endpointHeadersLocation({ endpointId }: EndpointKey) {
  return { table: 'webhook_endpoints', rowId: endpointId, column: 'headers' };
}

/** `too_many`: the owner has `endpointsMax` endpoints. */
export async function createEndpoint(
  work: TenantWork,
  { endpointId, encrypted, ...settings }: EndpointSettings & EndpointKey & { encrypted: string },
  { endpointsMax }: { endpointsMax: number },
): Promise<Endpoint | 'too_many'> {
  const { trx, tenantId, now } = work;
  // Serialized, so that two requests cannot both create the last endpoint. The platform has no row to lock.
  await sql`select pg_advisory_xact_lock(hashtextextended(${`webhook endpoints ${tenantId}`}, 0))`.execute(
    trx,
  );
  if ((await listEndpoints(work, { limit: endpointsMax })).length >= endpointsMax) return 'too_many';
  return trx
    .insertInto('webhookEndpoints')
    .values({
      tenantId,
      webhookEndpointId: endpointId,
      ...settings,
      secrets: JSON.stringify([{ encrypted, expiresAt: null }]),
      disabledAt: null,
      disabledReason: null,
      failingSince: null,
      warnedAt: null,
      blockedUntil: null,
      createdAt: now,
      updatedAt: now,
      deletedAt: null,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** In the order of creation. */
export async function listEndpoints(
  { trx, tenantId }: TenantWork,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<Endpoint[]> {
  let query = trx
    .selectFrom('webhookEndpoints')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('deletedAt', 'is', null);
  if (after !== undefined) query = query.where('webhookEndpointId', '>', after);
  return query.orderBy('webhookEndpointId').limit(limit).execute();
}

export async function findEndpoint(
  { trx, tenantId }: TenantWork,
  { endpointId, forUpdate = false }: EndpointKey & { forUpdate?: boolean },
): Promise<Endpoint | undefined> {
  return trx
    .selectFrom('webhookEndpoints')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('webhookEndpointId', '=', endpointId)
    .where('deletedAt', 'is', null)
    .$if(forUpdate, (query) => query.forNoKeyUpdate())
    .executeTakeFirst();
}

/** Locks the row until this transaction ends. */
export const lockEndpoint = (work: TenantWork, { endpointId }: EndpointKey): Promise<Endpoint | undefined> =>
  findEndpoint(work, { endpointId, forUpdate: true });

export async function changeEndpoint(
  work: TenantWork,
  { endpointId }: EndpointKey,
  change: Partial<EndpointSettings>,
): Promise<Endpoint> {
  return update(work, endpointId, change);
}

/** Applies to everything sent from now on. @param secrets encrypted, the newest first. */
export async function replaceSecrets(
  work: TenantWork,
  { endpointId }: EndpointKey,
  secrets: readonly EncryptedSecret[],
): Promise<Endpoint> {
  return update(work, endpointId, { secrets: JSON.stringify(secrets) });
}

/** Ends its waiting deliveries. Events of the time when it is disabled can be recovered. */
export async function switchEndpointOff(work: TenantWork, { endpointId }: EndpointKey): Promise<Endpoint> {
  const endpoint = await update(work, endpointId, { disabledAt: work.now, disabledReason: 'manual' });
  await enqueueEndpoint(work, { endpointId });
  return endpoint;
}

/** Starts over: earlier failures no longer count. */
export async function switchEndpointOn(work: TenantWork, { endpointId }: EndpointKey): Promise<Endpoint> {
  return update(work, endpointId, {
    disabledAt: null,
    disabledReason: null,
    failingSince: null,
    failedAttempts: 0,
    failedMessages: 0,
    warnedAt: null,
    blockedUntil: null,
  });
}

/** Nothing is sent to it any more; its delivery log stays. */
export async function deleteEndpoint(work: TenantWork, { endpointId }: EndpointKey): Promise<void> {
  await update(work, endpointId, { deletedAt: work.now, secrets: '[]', headers: null });
  await enqueueEndpoint(work, { endpointId });
}

/** Makes the endpoint's queue re-read the endpoint. */
async function enqueueEndpoint(work: TenantWork, { endpointId }: EndpointKey): Promise<void> {
  await enqueue(work, { topic: 'webhook_endpoint', endpointId, nextDueAt: work.now });
}

type EndpointUpdate = Partial<Omit<Endpoint, 'secrets' | 'version'>> & { secrets?: string };

async function update(
  { trx, tenantId, now }: TenantWork,
  endpointId: string,
  change: EndpointUpdate,
): Promise<Endpoint> {
  return trx
    .updateTable('webhookEndpoints')
    .set((eb) => ({ ...change, version: eb('version', '+', 1), updatedAt: now }))
    .where('tenantId', '=', tenantId)
    .where('webhookEndpointId', '=', endpointId)
    .returningAll()
    .executeTakeFirstOrThrow();
}
