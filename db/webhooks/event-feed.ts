/**
 * The events of a tenant in the order of their sequence, for clients that poll instead of receiving webhooks.
 * Kept for 30 days.
 */
import type { EventType } from '../../domain/event-catalogue';
import type { JsonObject } from '../../domain/json';
import type { TenantWork } from '../database';

export const EVENTS_KEPT_MS = 30 * 86_400_000;

export interface FeedItem {
  sequence: number;
  payload: JsonObject;
}

export async function listEvents(
  { trx, tenantId, now }: TenantWork,
  {
    after,
    limit,
    types,
    integrationId,
  }: {
    after: number;
    limit: number;
    types?: readonly EventType[] | undefined;
    integrationId?: string | undefined;
  },
): Promise<FeedItem[]> {
  let query = trx
    .selectFrom('events')
    .select(['sequence', 'payload'])
    .where('tenantId', '=', tenantId)
    .where('sequence', '>', after)
    .where('createdAt', '>', new Date(now.getTime() - EVENTS_KEPT_MS));
  if (types !== undefined) query = query.where('type', 'in', [...types]);
  if (integrationId !== undefined) query = query.where('integrationId', '=', integrationId);
  return query.orderBy('sequence').limit(limit).execute();
}
