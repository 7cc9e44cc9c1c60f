/**
 * The outbox: messages for Temporal, written in the transaction that makes them true. The dispatcher
 * (worker/outbox-dispatcher.ts) passes them on. A message may be sent twice and is never lost.
 */
import { sql } from 'kysely';
import { notifyAfterCommit } from '../commit-notifier';
import type { TenantWork, Work } from '../database';
import type { OutboxTopic } from '../tables/platform';

export const OUTBOX_CHANNEL = 'syncline_outbox';

/** What a row asks Temporal to do: a topic and the id that the topic needs, kept as topic and subject_id. */
export type OutboxMessage =
  /** The integration's push queue re-reads its due records. */
  | { topic: 'record_push'; integrationId: string }
  /** The integration's sync runs start, continue or end. */
  | { topic: 'sync_run'; integrationId: string }
  /** The integration's Temporal Schedules are brought in line with its row. */
  | { topic: 'sync_schedule'; integrationId: string }
  /** An e-mail is sent. */
  | { topic: 'email'; emailId: string }
  /** The endpoint's queue re-reads its due deliveries. */
  | { topic: 'webhook_endpoint'; endpointId: string }
  /** An overview is built, canceled or expires. */
  | { topic: 'overview'; overviewId: string }
  /** One person's notification starts. */
  | { topic: 'notification'; notificationRecipientId: string }
  /** One person has viewed a notification. */
  | { topic: 'notification_viewed'; notificationRecipientId: string };

/** A message with the tenant it belongs to and the instant at which it is due. */
export type DueMessage = OutboxMessage & { tenantId: string; nextDueAt: Date };

/** The message of one topic. */
export type MessageOf<T extends OutboxTopic> = DueMessage & { topic: T };

type OutboxWork = Pick<TenantWork, 'trx' | 'tenantId'>;
export type NewMessage = OutboxMessage & { nextDueAt: Date };

export async function enqueue(work: OutboxWork, message: NewMessage): Promise<void> {
  await enqueueAll(work, [message]);
}

export async function enqueueAll(
  { trx, tenantId }: OutboxWork,
  messages: readonly NewMessage[],
): Promise<void> {
  if (messages.length === 0) return;
  const rows = messages.map((message) => ({
    tenantId,
    topic: message.topic,
    subjectId: subjectIdOf(message),
    nextDueAt: message.nextDueAt,
    leasedUntil: null,
    lastError: null,
  }));
  await trx.insertInto('outbox').values(rows).execute();
  notifyAfterCommit(trx, OUTBOX_CHANNEL);
}

/** Makes the integration's push queue re-read its rows at `nextDueAt`, or at once if that is past. */
export async function enqueuePush(
  work: OutboxWork,
  { integrationId, nextDueAt }: { integrationId: string; nextDueAt: Date },
): Promise<void> {
  await enqueue(work, { topic: 'record_push', integrationId, nextDueAt });
}

/** A message that this dispatcher has leased. */
export type LeasedMessage = DueMessage & { outboxId: number; attempts: number };

interface OutboxRow {
  outboxId: number;
  tenantId: string;
  topic: OutboxTopic;
  subjectId: string;
  nextDueAt: Date;
  attempts: number;
}

/** Leases rows for `leaseSeconds`. If the dispatcher dies, the next one takes them after that. */
export async function leaseMessages(
  { trx }: Work,
  { limit, leaseSeconds }: { limit: number; leaseSeconds: number },
): Promise<LeasedMessage[]> {
  const { rows } = await sql<OutboxRow>`
    update outbox set leased_until = clock_timestamp() + make_interval(secs => ${leaseSeconds})
    where outbox_id in (
      select outbox_id from outbox where leased_until is null or leased_until < clock_timestamp()
      order by outbox_id limit ${limit} for update skip locked)
    returning outbox_id, tenant_id, topic, subject_id, next_due_at, attempts`.execute(trx);
  return rows.map(({ topic, subjectId, ...row }) => ({ ...row, ...messageOf(topic, subjectId) }));
}

export async function deleteMessages({ trx }: Work, outboxIds: readonly number[]): Promise<void> {
  if (outboxIds.length === 0) return;
  await trx
    .deleteFrom('outbox')
    .where('outboxId', 'in', [...outboxIds])
    .execute();
}

/** Ends the lease of messages that were not sent, so that they can be sent at once. */
export async function releaseMessages({ trx }: Work, outboxIds: readonly number[]): Promise<void> {
  if (outboxIds.length === 0) return;
  await trx
    .updateTable('outbox')
    .set({ leasedUntil: null })
    .where('outboxId', 'in', [...outboxIds])
    .execute();
}

/** Keeps refused messages from being sent again for `seconds`. */
export async function backOffMessages(
  { trx }: Work,
  outboxIds: readonly number[],
  { seconds, error }: { seconds: number; error: string },
): Promise<void> {
  await trx
    .updateTable('outbox')
    .set((eb) => ({
      leasedUntil: sql`clock_timestamp() + make_interval(secs => ${seconds})`,
      attempts: eb('attempts', '+', 1),
      lastError: error,
    }))
    .where('outboxId', 'in', [...outboxIds])
    .execute();
}

/** Messages that have been refused at least `attempts` times. Needs the dispatcher's role. */
export async function countRefusedMessages(
  { trx }: Work,
  { attempts }: { attempts: number },
): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::float8 as count from outbox where attempts >= ${attempts}`.execute(trx);
  return rows[0]?.count ?? 0;
}

/** The column subject_id: the id that the message's topic needs. */
export function subjectIdOf(message: OutboxMessage): string {
  switch (message.topic) {
    case 'record_push':
    case 'sync_run':
    case 'sync_schedule':
      return message.integrationId;
    case 'email':
      return message.emailId;
    case 'webhook_endpoint':
      return message.endpointId;
    case 'overview':
      return message.overviewId;
    case 'notification':
    case 'notification_viewed':
      return message.notificationRecipientId;
    default:
      return (message as { subjectId: string }).subjectId;
  }
}

function messageOf(topic: OutboxTopic, subjectId: string): OutboxMessage {
  switch (topic) {
    case 'record_push':
    case 'sync_run':
    case 'sync_schedule':
      return { topic, integrationId: subjectId };
    case 'email':
      return { topic, emailId: subjectId };
    case 'webhook_endpoint':
      return { topic, endpointId: subjectId };
    case 'overview':
      return { topic, overviewId: subjectId };
    case 'notification':
    case 'notification_viewed':
      return { topic, notificationRecipientId: subjectId };
    // A newer version wrote it. No handler takes it, so it backs off until that version runs again.
    default:
      return { topic, subjectId } as never;
  }
}
