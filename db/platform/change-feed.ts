/**
 * The change feed of open console pages: a few bytes per event, written in the transaction that makes the
 * change, and read in the order of (transaction, event). A reader takes only events older than every running
 * transaction. Otherwise the event of a slow transaction would appear behind the reader's position and be
 * missed.
 */
import { sql } from 'kysely';
import type { JsonObject } from '../../domain/json';
import type { TenantWork } from '../database';

/**
 * PostgreSQL's channel; the payload is the tenant's id. A notification arrives after the commit, but perhaps
 * before the event may be read.
 */
export const STREAM_CHANNEL = 'syncline_stream';

/** `<transaction id>-<event id>`: a client sends it back as Last-Event-ID. */
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
  await sql`select pg_notify(${STREAM_CHANNEL}, ${tenantId})`.execute(trx);
}

/** The position of a reader that wants only new events. */
export async function currentStreamPosition({ trx }: TenantWork): Promise<StreamPosition> {
  const { rows } = await sql<{
    xmin: string;
  }>`select pg_snapshot_xmin(pg_current_snapshot())::text as xmin`.execute(trx);
  return `${rows[0]?.xmin}-0`;
}

/**
 * At most `limit` events after a position, the oldest first. `isWaiting`: there are newer ones, above `limit`
 * or not readable yet because an older transaction is still running; ask again soon.
 */
export async function readStreamEvents(
  { trx, tenantId }: TenantWork,
  { after, limit }: { after: StreamPosition; limit: number },
): Promise<{ events: StreamEvent[]; isWaiting: boolean }> {
  const [transactionId, eventId] = after.split('-');
  const { rows } = await sql<{ position: string; topic: string; body: JsonObject; isReadable: boolean }>`
    select transaction_id || '-' || stream_event_id as position, topic, body,
           transaction_id < pg_snapshot_xmin(pg_current_snapshot()) as "isReadable"
      from stream_events
     where tenant_id = ${tenantId}::uuid
       and (transaction_id, stream_event_id) > (${transactionId}::text::xid8, ${eventId}::bigint)
     order by transaction_id, stream_event_id limit ${limit}`.execute(trx);
  const events = rows
    .filter((row) => row.isReadable)
    .map(({ position, topic, body }) => ({ position, topic, body }));
  return { events, isWaiting: rows.length > events.length || rows.length === limit };
}

/** True if `readStreamEvents` accepts it as a position. */
export function isStreamPosition(text: string): text is StreamPosition {
  return /^\d{1,18}-\d{1,18}$/.test(text);
}
