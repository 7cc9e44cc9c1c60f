/**
 * The change feed of open console pages: a few bytes per event, written in the transaction that makes the
 * change. The first reader after the commit assigns its position, one reader of a tenant at a time. So the
 * event of a slow transaction gets a later position instead of one behind the readers, and no transaction of
 * another tenant or database delays it.
 */
import { type RawBuilder, sql } from 'kysely';
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
export async function appendStreamEvent(work: TenantWork, event: NewStreamEvent): Promise<void> {
  await insertStreamEvent(work, event).execute(work.trx);
}

interface NewStreamEvent {
  topic: string;
  body: JsonObject;
}

/** The statement of `appendStreamEvent`, to be run by the caller. */
export function insertStreamEvent(
  { trx, tenantId }: TenantWork,
  { topic, body }: NewStreamEvent,
): RawBuilder<unknown> {
  notifyAfterCommit(trx, STREAM_CHANNEL, tenantId);
  return sql`insert into stream_events (tenant_id, topic, body)
    values (${tenantId}, ${topic}, ${JSON.stringify(body)})`;
}

/** More than the limit of one read. */
const NUMBERED_AT_ONCE = 1_000;

/**
 * Assigns positions to the next events that have none. Another reader of the tenant waits for the commit.
 * @returns whether there may be more, because there was no reader for a while.
 */
async function assignPositions(work: TenantWork): Promise<boolean> {
  const { trx, tenantId } = work;
  const { rows } = await sql<{ exists: boolean }>`select exists (
    select from stream_events where tenant_id = ${tenantId}::uuid and position is null)`.execute(trx);
  if (rows[0]?.exists !== true) return false;
  await sql`select pg_advisory_xact_lock(hashtext(${STREAM_CHANNEL}), hashtext(${tenantId}))`.execute(trx);
  // In the index, events without a position are in the order in which they lie in the table: by time, except
  // where the space of deleted rows was used again. The insert meets each row again by its key. PostgreSQL
  // might plan an update so that it reads all events without a position.
  const number = sql`
    with next as materialized (
      select transaction_id, stream_event_id, topic, body, created_at from stream_events
      where tenant_id = ${tenantId}::uuid and position is null order by position limit ${NUMBERED_AT_ONCE})
    insert into stream_events
      (tenant_id, transaction_id, stream_event_id, topic, body, created_at, position)
      overriding system value
    select ${tenantId}::uuid, sorted.*, nextval('stream_positions')
    from (select * from next order by stream_event_id) as sorted
    on conflict (tenant_id, transaction_id, stream_event_id) do update set position = excluded.position`;
  const { numAffectedRows } = await inIndexOrder(work, () => number.execute(trx));
  return numAffectedRows === BigInt(NUMBERED_AT_ONCE);
}

/** A new reader waits until this many chunks have positions. Events beyond them count as new. */
const CHUNKS_FOR_READER = 100;

/** The position of a reader that wants only new events. */
export async function currentStreamPosition(
  inTenant: <T>(run: (work: TenantWork) => Promise<T>) => Promise<T>,
): Promise<StreamPosition> {
  for (let chunks = 0; chunks < CHUNKS_FOR_READER; chunks += 1) if (!(await inTenant(assignPositions))) break;
  const { rows } = await inTenant(({ trx }) =>
    sql<{ position: string }>`select nextval('stream_positions')::text as position`.execute(trx),
  );
  return rows[0]?.position ?? '0';
}

/**
 * At most `limit` events after a position, the oldest first. A position that was never assigned is of a
 * database before it was restored, or made up: the reader gets every event. `reached`: the position to
 * continue from. `isWaiting`: there may be more.
 */
export async function readStreamEvents(
  work: TenantWork,
  { after, limit }: { after: StreamPosition; limit: number },
): Promise<{ events: StreamEvent[]; reached: StreamPosition; isWaiting: boolean }> {
  const isMore = await assignPositions(work);
  const [given] = after.split('-');
  const next = sql<
    Omit<StreamEvent, 'position'> & { start: StreamPosition; position: StreamPosition | null }
  >`
    select start.position::text as start, event.position::text as position, event.topic, event.body
    from (select case when ${given}::bigint > last_value then 0 else ${given}::bigint end as position
      from stream_positions) start
    left join lateral (
      select position, topic, body from stream_events
      where tenant_id = ${work.tenantId}::uuid and position > start.position
      order by position limit ${limit}) event on true
    order by event.position`;
  const { rows } = await inIndexOrder(work, () => next.execute(work.trx));
  const events = rows.flatMap(({ position, topic, body }) =>
    position === null ? [] : [{ position, topic, body }],
  );
  const reached = events.at(-1)?.position ?? rows[0]?.start ?? '0';
  return { events, reached, isWaiting: isMore || events.length === limit };
}

/** True if `readStreamEvents` accepts it as a position. */
export function isStreamPosition(text: string): text is StreamPosition {
  return /^\d{1,18}(-\d{1,18})?$/.test(text);
}
