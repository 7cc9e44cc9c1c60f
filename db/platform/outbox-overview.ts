/** What operators see of the outbox: where messages wait, and which ones are refused. */
import { sql } from 'kysely';
import { notifyAfterCommit } from '../commit-notifier';
import type { Work } from '../database';
import { OUTBOX_CHANNEL } from './outbox';

/** Age of the oldest message: the first metric to check when nothing is pushed. 0 = the outbox is empty. */
export async function oldestOutboxAgeSeconds({ trx }: Work): Promise<number> {
  const { rows } = await sql<{ seconds: number | null }>`
    select extract(epoch from clock_timestamp() - min(created_at))::float8 as seconds from outbox`.execute(
    trx,
  );
  return rows[0]?.seconds ?? 0;
}

export interface TopicFigures {
  topic: string;
  messages: number;
  oldestAt: Date;
  oldestSeconds: number;
  refused: number;
}

/** Needs the dispatcher's role. Topics without messages are left out. */
export async function readTopicFigures({ trx }: Work): Promise<TopicFigures[]> {
  const { rows } = await sql<TopicFigures>`
    select topic, count(*)::float8 as messages, min(created_at) as oldest_at,
      extract(epoch from clock_timestamp() - min(created_at))::float8 as oldest_seconds,
      count(*) filter (where attempts > 0)::float8 as refused
    from outbox group by topic order by topic`.execute(trx);
  return rows;
}

export interface RefusedMessageRow {
  outboxId: number;
  topic: string;
  tenantId: string;
  subjectId: string;
  attempts: number;
  lastError: string | null;
  createdAt: Date;
  leasedUntil: Date | null;
}

/** The ones that were refused most often. */
export async function listRefusedMessages(
  { trx }: Work,
  { limit }: { limit: number },
): Promise<RefusedMessageRow[]> {
  const { rows } = await sql<RefusedMessageRow>`
    select outbox_id, topic, tenant_id, subject_id, attempts, last_error, created_at, leased_until
    from outbox where attempts > 0 order by attempts desc limit ${limit}`.execute(trx);
  return rows;
}

/** Ends the back-off of a message. @returns undefined if no such message was refused. */
export async function retryRefusedMessage(
  { trx }: Work,
  outboxId: number,
): Promise<RefusedMessageRow | undefined> {
  const { rows } = await sql<RefusedMessageRow>`
    update outbox set leased_until = null where outbox_id = ${outboxId} and attempts > 0
    returning outbox_id, topic, tenant_id, subject_id, attempts, last_error, created_at, leased_until`.execute(
    trx,
  );
  notifyAfterCommit(trx, OUTBOX_CHANNEL);
  return rows[0];
}
