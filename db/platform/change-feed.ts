/**
 * What happened, for pages that are open: few bytes per event, written in the transaction that did it, read
 * in the order of (transaction, event). A reader takes only what is older than every transaction still
 * running, so that none is passed over: an event of a slow transaction would otherwise appear behind the
 * reader's position and never be seen.
 */
import { sql } from 'kysely';
import type { JsonObject } from '../../domain/json';
import type { TenantWork } from '../database';

/**
 * PostgreSQL's channel; the payload is the tenant's id. Heard after the commit only, but perhaps before the
 * event may be read.
 */
export const STREAM_CHANNEL = 'syncline_stream';

/** `<transaction id>-<event id>`: what a client sends back as Last-Event-ID. */
export type StreamPosition = string;

export interface StreamEvent {
  position: StreamPosition;
  topic: string;
  body: JsonObject;
}

/** One per transaction is enough: say what to look at again, not what it looks like. */
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

/** Where a reader begins who wants what comes from now on. */
export async function currentStreamPosition({ trx }: TenantWork): Promise<StreamPosition> {
  const { rows } = await sql<{
    xmin: string;
  }>`select pg_snapshot_xmin(pg_current_snapshot())::text as xmin`.execute(trx);
  return `${rows[0]?.xmin}-0`;
}

/**
 * The events after a position, oldest first, at most `limit`. `isWaiting`: there are newer ones that may not
 * be read yet because an older transaction still runs, or more than `limit`; ask again soon.
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
     where tenant_id = ${tenantId}::uuid and (transaction_id, stream_event_id) > (${transactionId}::text::xid8, ${eventId}::bigint)
     order by transaction_id, stream_event_id limit ${limit}`.execute(trx);
  const events = rows
    .filter((row) => row.isReadable)
    .map(({ position, topic, body }) => ({ position, topic, body }));
  return { events, isWaiting: rows.length > events.length || rows.length === limit };
}

/** True for what `readStreamEvents` takes as a position. */
export function isStreamPosition(text: string): text is StreamPosition {
  return /^\d{1,18}-\d{1,18}$/.test(text);
}
