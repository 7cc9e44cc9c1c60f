/**
 * The outbox: messages for Temporal, written in the transaction that makes them true. The dispatcher
 * (worker/outbox-dispatcher.ts) passes them on. A message may be sent twice and is never lost.
 */
import { type RawBuilder, sql } from 'kysely';
import { notifyAfterCommit } from '../commit-notifier';
import type { TenantWork, Work } from '../database';
import { arrayParameter } from '../sql/binary-arrays';
import { rowsFrom } from '../sql/bulk-rows';
import { readInOrder } from '../sql/index-order';
import { sanitizeForPostgres } from '../sql/sanitize-text';
import type { OutboxTopic } from '../tables/platform';

export const OUTBOX_CHANNEL = 'syncline_outbox';

/** What a row asks Temporal to do: a topic and the id that the topic needs, kept as topic and subject_id. */
export type OutboxMessage =
  /** The integration's push queue re-reads its due records. */
  | { topic: 'record_push'; integrationId: string }
  /** The integration's sync runs start, continue or end. */
  | { topic: 'sync_run'; integrationId: string }
  /** The integration's schedules follow its settings again. Only former versions write it. */
  | { topic: 'sync_schedule'; integrationId: string }
  /** Records that webhooks have named are read. */
  | { topic: 'incoming_changes'; integrationId: string }
  /** An e-mail is sent. */
  | { topic: 'email'; emailId: string }
  /** The endpoint's queue re-reads its due deliveries. */
  | { topic: 'webhook_endpoint'; endpointId: string }
  /** An overview is built, canceled or expires. */
  | { topic: 'overview'; overviewId: string }
  /** An erasure of records continues. */
  | { topic: 'erasure'; erasureId: string }
  /** One person's notification starts. */
  | { topic: 'notification'; notificationRecipientId: string }
  /** One person has viewed a notification. */
  | { topic: 'notification_viewed'; notificationRecipientId: string }
  /** A background task is done in chunks. */
  | { topic: 'background_task'; backgroundTaskId: string }
  /** The deletion of the tenant goes on. */
  | { topic: 'tenant_deletion'; deletedTenantId: string }
  /** The rollout of a third-party definition goes on. */
  | { topic: 'definition_rollout'; rolloutId: string };

/** A message with the tenant it belongs to and the instant at which it is due. */
export type DueMessage = OutboxMessage & { tenantId: string; nextDueAt: Date };

/** The message of one topic. */
export type MessageOf<T extends OutboxTopic> = DueMessage & { topic: T };

type OutboxWork = Pick<TenantWork, 'trx' | 'tenantId'>;
export type NewMessage = OutboxMessage & { nextDueAt: Date };

export async function enqueue(work: OutboxWork, message: NewMessage): Promise<void> {
  await enqueueAll(work, [message]);
}

export async function enqueueAll(work: OutboxWork, messages: readonly NewMessage[]): Promise<void> {
  if (messages.length > 0) await outboxInsert(work, messages).execute();
}

/** For a statement that also writes other rows. `messages`: at least one. */
export function outboxInsert({ trx, tenantId }: OutboxWork, messages: readonly NewMessage[]) {
  const rows = messages.map((message) => ({
    tenantId,
    topic: message.topic,
    subjectId: subjectIdOf(message),
    nextDueAt: message.nextDueAt,
    leasedUntil: null,
    lastError: null,
  }));
  notifyAfterCommit(trx, OUTBOX_CHANNEL);
  return trx.insertInto('outbox').values(rows);
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

/** Topics with messages, those of newer versions included. Messages that back off count too. */
export async function readTopics({ trx }: Work): Promise<string[]> {
  const { rows } = await sql<{ topic: string }>`
    with recursive topics as (
      select (select topic from outbox order by topic limit 1) as topic
      union all
      select (select topic from outbox where topic > topics.topic order by topic limit 1)
      from topics where topics.topic is not null)
    select topic from topics where topic is not null`.execute(trx);
  return rows.map(({ topic }) => topic);
}

export interface Lease {
  topic: string;
  limit: number;
  /** If the dispatcher dies, the next one takes the messages after that. */
  leaseSeconds: number;
  /** The tenants after this one come first. */
  afterTenant?: string | undefined;
  /** Their messages are left. A few: each is compared with every tenant. */
  withoutTenants?: readonly string[];
}

/** Leases messages of a topic. Each tenant that has some gets an equal part of `limit`, the oldest first. */
export async function leaseMessages(work: Work, lease: Lease): Promise<LeasedMessage[]> {
  const { limit, afterTenant } = lease;
  // Statistics are mostly those of an empty outbox, but thousands of messages can arrive at once.
  await readInOrder(work);
  const messages = await leaseAfter(work, lease);
  if (afterTenant === undefined || messages.length >= limit) return messages;
  const room = limit - messages.length;
  return [...messages, ...(await leaseAfter(work, { ...lease, limit: room, afterTenant: undefined }))];
}

async function leaseAfter(
  { trx }: Work,
  { topic, limit, leaseSeconds, afterTenant, withoutTenants = [] }: Lease,
): Promise<LeasedMessage[]> {
  // The index `outbox_ready` has this order, so rows that are leased or back off are not read.
  const leasedUntil = sql`coalesce(outbox.leased_until, '-infinity')`;
  // No id is before the first tenant's: the platform has the lowest of all.
  const isBehind = afterTenant === undefined ? sql`` : sql`and tenant_id > ${afterTenant}::uuid`;
  const { rows } = await sql<OutboxRow>`
    with recursive tenants as (
      select (select tenant_id from outbox where topic = ${topic} ${isBehind}
        order by tenant_id limit 1) as tenant_id
      union all
      select (select tenant_id from outbox where topic = ${topic} and tenant_id > tenants.tenant_id
        order by tenant_id limit 1)
      from tenants where tenants.tenant_id is not null),
    ready as materialized (
      select tenant_id from tenants
      where tenant_id is not null
        and tenant_id <> all(${arrayParameter(withoutTenants, 'uuid')}::uuid[]) and (
        select true from outbox where topic = ${topic} and tenant_id = tenants.tenant_id
          and ${leasedUntil} < statement_timestamp()
        order by ${leasedUntil}, outbox_id limit 1)
      limit ${limit}::int),
    picked as materialized (
      select message.outbox_id, ready.tenant_id from ready cross join lateral (
        select outbox_id from outbox where topic = ${topic} and tenant_id = ready.tenant_id
          and ${leasedUntil} < statement_timestamp()
        order by ${leasedUntil}, outbox_id limit greatest(1, ${limit}::int / (select count(*) from ready))
        for update skip locked) as message),
    leased as (
      update outbox set leased_until = clock_timestamp() + make_interval(secs => ${leaseSeconds})
      where outbox_id = any(array(select outbox_id from picked))
      returning outbox.outbox_id, outbox.tenant_id, topic, subject_id, next_due_at, attempts)
    select * from leased order by tenant_id, outbox_id`.execute(trx);
  return rows.map(({ topic: known, subjectId, ...row }) => ({ ...row, ...messageOf(known, subjectId) }));
}

/** By key, one by one. With a list or a join, the planner would read all messages to find a few hundred. */
const isOneOf = (outboxIds: readonly number[]): RawBuilder<boolean> =>
  sql<boolean>`outbox.outbox_id = any(array(select unnest(${arrayParameter(outboxIds, 'bigint')}::bigint[])))`;

/** Keeps messages from other dispatchers for `seconds`; null = they can be sent at once. */
export async function setLeases(
  { trx }: Work,
  outboxIds: readonly number[],
  { seconds }: { seconds: number | null },
): Promise<void> {
  if (outboxIds.length === 0) return;
  const leasedUntil =
    seconds === null ? null : sql<Date>`clock_timestamp() + make_interval(secs => ${seconds})`;
  await trx.updateTable('outbox').set({ leasedUntil }).where(isOneOf(outboxIds)).execute();
}

/** Keeps leased messages for `seconds` more. A message that backs off meanwhile keeps its later instant. */
export async function renewLeases(
  { trx }: Work,
  outboxIds: readonly number[],
  { seconds }: { seconds: number },
): Promise<void> {
  if (outboxIds.length === 0) return;
  await trx
    .updateTable('outbox')
    .set({ leasedUntil: sql`greatest(leased_until, clock_timestamp() + make_interval(secs => ${seconds}))` })
    .where(isOneOf(outboxIds))
    .execute();
}

/** A message that was refused: it is not sent again for `seconds`. */
export interface BackOff {
  outboxIds: readonly number[];
  seconds: number;
  error: string;
}

/** Deletes the messages that were sent, and keeps the refused ones for later. */
export async function settleMessages(
  { trx }: Work,
  { sent, refused }: { sent: readonly number[]; refused: readonly BackOff[] },
): Promise<void> {
  if (sent.length > 0) await trx.deleteFrom('outbox').where(isOneOf(sent)).execute();
  if (refused.length === 0) return;
  const rows = refused.flatMap(({ outboxIds, seconds, error }) =>
    outboxIds.map((outboxId) => ({ outbox_id: outboxId, seconds, error: sanitizeForPostgres(error) })),
  );
  await sql`
    update outbox set leased_until = clock_timestamp() + make_interval(secs => row.seconds),
      attempts = attempts + 1, last_error = row.error
    from ${rowsFrom(rows, 'outbox_id bigint, seconds int, error text')}
    where ${isOneOf(rows.map((row) => row.outbox_id))} and outbox.outbox_id = row.outbox_id`.execute(trx);
}

/** So often refused, a message is shown to operators: fewer refusals pass by themselves. */
export const REFUSALS_SHOWN = 10;

/** Messages that have been refused at least `attempts` times. Needs the dispatcher's role. */
export async function countRefusedMessages(
  { trx }: Work,
  { attempts = REFUSALS_SHOWN }: { attempts?: number } = {},
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
    case 'incoming_changes':
      return message.integrationId;
    case 'email':
      return message.emailId;
    case 'webhook_endpoint':
      return message.endpointId;
    case 'overview':
      return message.overviewId;
    case 'erasure':
      return message.erasureId;
    case 'notification':
    case 'notification_viewed':
      return message.notificationRecipientId;
    case 'background_task':
      return message.backgroundTaskId;
    case 'tenant_deletion':
      return message.deletedTenantId;
    case 'definition_rollout':
      return message.rolloutId;
    default:
      return (message as { subjectId: string }).subjectId;
  }
}

function messageOf(topic: OutboxTopic, subjectId: string): OutboxMessage {
  switch (topic) {
    case 'record_push':
    case 'sync_run':
    case 'sync_schedule':
    case 'incoming_changes':
      return { topic, integrationId: subjectId };
    case 'email':
      return { topic, emailId: subjectId };
    case 'webhook_endpoint':
      return { topic, endpointId: subjectId };
    case 'overview':
      return { topic, overviewId: subjectId };
    case 'erasure':
      return { topic, erasureId: subjectId };
    case 'notification':
    case 'notification_viewed':
      return { topic, notificationRecipientId: subjectId };
    case 'background_task':
      return { topic, backgroundTaskId: subjectId };
    case 'tenant_deletion':
      return { topic, deletedTenantId: subjectId };
    case 'definition_rollout':
      return { topic, rolloutId: subjectId };
    // A newer version wrote it. No handler takes it, so it backs off until that version runs again.
    default:
      return { topic, subjectId } as never;
  }
}
