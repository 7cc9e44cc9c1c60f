/**
 * The events of a tenant in the order of their sequence, for clients that poll instead of receiving webhooks.
 * Kept for 30 days.
 */
import { sql } from 'kysely';
import type { EventType } from '../../domain/event-catalogue';
import type { JsonObject } from '../../domain/json';
import type { TenantWork, Work } from '../database';

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

/** One day longer than the feed shows them, so that no resend meets a deletion. */
const DELETED_AFTER_MS = EVENTS_KEPT_MS + 86_400_000;
/** The most that one call deletes; the next sweep continues. */
const DELETED_MAX = 5_000;

/**
 * Deletes old events with their deliveries, except events with a waiting delivery. Needs the dispatcher's
 * role.
 */
export async function deleteOldEvents({ trx, now }: Work): Promise<void> {
  const before = new Date(now.getTime() - DELETED_AFTER_MS);
  await sql`
    with old as (
      select event.tenant_id, event.event_id from events event
      where event.created_at < ${before} and not exists (
        select from webhook_deliveries delivery
        where delivery.tenant_id = event.tenant_id and delivery.event_id = event.event_id
          and delivery.next_attempt_at is not null)
      order by event.created_at limit ${DELETED_MAX}),
    deliveries as (
      delete from webhook_deliveries delivery using old
      where delivery.tenant_id = old.tenant_id and delivery.event_id = old.event_id
        returning delivery.tenant_id, delivery.webhook_delivery_id),
    attempts as (
      delete from webhook_attempts attempt using deliveries
      where attempt.tenant_id = deliveries.tenant_id
        and attempt.webhook_delivery_id = deliveries.webhook_delivery_id)
    delete from events event using old where event.tenant_id = old.tenant_id
      and event.event_id = old.event_id`.execute(trx);
}
