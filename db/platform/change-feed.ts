/**
 * The change feed of open console pages: a few bytes per event, written in the transaction that makes the
 * change. The first reader after the commit assigns its position, one reader of a tenant at a time. So the
 * event of a slow transaction gets a later position instead of one behind the readers, and no transaction of
 * another tenant or database delays it.
 */
import { sql } from 'kysely';
import type { JsonObject } from '../../domain/json';
import { notifyAfterCommit } from '../commit-notifier';
import type { TenantWork } from '../database';
import { inIndexOrder } from '../sql/index-order';

/**
 * PostgreSQL's channel; the payload is the tenant's id. A notification arrives after the commit.
 */
export const STREAM_CHANNEL = 'syncline_stream';

/** A client sends it back as Last-Event-ID. What follows a `-` was written by former versions. */
export type StreamPosition = string;

export interface StreamEvent {
  position: StreamPosition;
  topic: string;
  body: JsonObject;
}

/** One per transaction is enough: it says what to fetch again, not the new values. */
export async function appendStreamEvent(
  { trx, tenantId }: TenantWork,
  { topic, body }: { topic: string; body: JsonObject },
): Promise<void> {
  await trx
    .insertInto('streamEvents')
    .values({ tenantId, topic, body: JSON.stringify(body) })
    .execute();
  notifyAfterCommit(trx, STREAM_CHANNEL, tenantId);
}

/** Assigns positions to the events that have none. Another reader of the tenant waits for the commit. */
async function assignPositions({ trx, tenantId }: TenantWork): Promise<void> {
  const { rows } = await sql<{ exists: boolean }>`select exists (
    select from stream_events where tenant_id = ${tenantId}::uuid and position is null)`.execute(trx);
  if (rows[0]?.exists !== true) return;
  await sql`select pg_advisory_xact_lock(hashtext(${STREAM_CHANNEL}), hashtext(${tenantId}))`.execute(trx);
  await sql`
    with numbered as materialized (
      select stream_event_id, nextval('stream_positions') as position
        from (select stream_event_id from stream_events
               where tenant_id = ${tenantId}::uuid and position is null order by stream_event_id) as next)
    update stream_events as event set position = numbered.position from numbered
     where event.tenant_id = ${tenantId}::uuid and event.position is null
       and event.stream_event_id = numbered.stream_event_id`.execute(trx);
}

/** The position of a reader that wants only new events. */
export async function currentStreamPosition(work: TenantWork): Promise<StreamPosition> {
  await assignPositions(work);
  const { rows } = await sql<{ position: string }>`
    select nextval('stream_positions')::text as position`.execute(work.trx);
  return rows[0]?.position ?? '0';
}

/**
 * At most `limit` events after a position, the oldest first. A position that was never assigned is of a
 * database before it was restored: the reader gets every event. `isWaiting`: there may be more.
 */
export async function readStreamEvents(
  work: TenantWork,
  { after, limit }: { after: StreamPosition; limit: number },
): Promise<{ events: StreamEvent[]; isWaiting: boolean }> {
  await assignPositions(work);
  const [position] = after.split('-');
  const next = sql<StreamEvent>`
    select position::text as position, topic, body from stream_events
     where tenant_id = ${work.tenantId}::uuid
       and position > (select case when ${position}::bigint > last_value then 0 else ${position}::bigint end
                         from stream_positions)
     order by stream_events.position limit ${limit}`;
  const { rows } = await inIndexOrder(work, () => next.execute(work.trx));
  return { events: rows, isWaiting: rows.length === limit };
}

/** True if `readStreamEvents` accepts it as a position. */
export function isStreamPosition(text: string): text is StreamPosition {
  return /^\d{1,18}(-\d{1,18})?$/.test(text);
}
