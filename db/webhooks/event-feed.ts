/**
 * The events of a tenant in the order of their sequence, for clients that poll instead of receiving webhooks.
 */
import type { EventType } from '../../domain/event-catalogue';
import type { JsonObject } from '../../domain/json';
import type { TenantWork } from '../database';
import { inIndexOrder } from '../sql/index-order';

export interface FeedItem {
  sequence: number;
  payload: JsonObject;
}

export async function listEvents(
  work: TenantWork,
  {
    since,
    after,
    limit,
    types,
    integrationId,
  }: {
    /** Older events are not shown, even if they are not deleted yet. */
    since: Date;
    after: number;
    limit: number;
    types?: readonly EventType[] | undefined;
    integrationId?: string | undefined;
  },
): Promise<FeedItem[]> {
  let query = work.trx
    .selectFrom('events')
    .select(['sequence', 'payload'])
    .where('tenantId', '=', work.tenantId)
    .where('sequence', '>', after)
    .where('createdAt', '>', since);
  if (types !== undefined) query = query.where('type', 'in', [...types]);
  if (integrationId !== undefined) query = query.where('integrationId', '=', integrationId);
  return inIndexOrder(work, () => query.orderBy('sequence').limit(limit).execute());
}
