/**
 * The outbox: what Temporal has to be told, written in the transaction that makes it true. The dispatcher
 * (worker/outbox-dispatcher.ts) turns rows into one signal per lane; a row may be sent twice, never lost.
 */
import { sql } from 'kysely';
import type { TenantWork, Work } from '../database';
import { deleteOldEvents } from '../webhooks/event-feed';
import type { OutboxTopic } from '../tables/platform';

export const OUTBOX_CHANNEL = 'syncline_outbox';

/** Something that has to happen in Temporal: a lane to be signalled, a run to be begun, schedules to be made as the rows say, an e-mail to be sent, a notification to be followed. */
export interface Due {
  topic: OutboxTopic;
  tenantId: string;
  /** The integration; of an e-mail or a person's notification its own id; of deliveries the endpoint. */
  subjectId: string;
  nextDueAt: Date;
}

export async function enqueue(
  work: Pick<TenantWork, 'trx' | 'tenantId'>,
  due: Omit<Due, 'tenantId'>,
): Promise<void> {
  await enqueueAll(work, [due]);
}

export async function enqueueAll(
  { trx, tenantId }: Pick<TenantWork, 'trx' | 'tenantId'>,
  dues: readonly Omit<Due, 'tenantId'>[],
): Promise<void> {
  if (dues.length === 0) return;
  await trx
    .insertInto('outbox')
    .values(dues.map((due) => ({ tenantId, ...due, leasedUntil: null })))
    .execute();
  await sql`select pg_notify(${OUTBOX_CHANNEL}, '')`.execute(trx);
}

/** Makes sure the lane of this integration looks again at `nextDueAt` (at once when that is past). */
export async function enqueuePush(
  { trx, tenantId }: TenantWork,
  { integrationId, nextDueAt }: { integrationId: string; nextDueAt: Date },
): Promise<void> {
  await enqueuePushes({ trx, tenantId }, new Map([[integrationId, nextDueAt]]));
}

export async function enqueuePushes(
  { trx, tenantId }: Pick<TenantWork, 'trx' | 'tenantId'>,
  nextDueAtByIntegration: ReadonlyMap<string, Date>,
): Promise<void> {
  if (nextDueAtByIntegration.size === 0) return;
  await trx
    .insertInto('outbox')
    .values(
      [...nextDueAtByIntegration].map(([subjectId, nextDueAt]) => ({
        tenantId,
        topic: 'record_push' as const,
        subjectId,
        nextDueAt,
        leasedUntil: null,
      })),
    )
    .execute();
  await sql`select pg_notify(${OUTBOX_CHANNEL}, '')`.execute(trx);
}

export interface OutboxRow extends Due {
  outboxId: number;
}

/** Takes rows for `leaseSeconds`; a dispatcher that dies leaves them to the next one. */
export async function leaseOutboxRows(
  { trx }: Work,
  { limit, leaseSeconds }: { limit: number; leaseSeconds: number },
): Promise<OutboxRow[]> {
  const { rows } = await sql<OutboxRow>`
    update outbox set leased_until = clock_timestamp() + make_interval(secs => ${leaseSeconds})
    where outbox_id in (
      select outbox_id from outbox where leased_until is null or leased_until < clock_timestamp()
      order by outbox_id limit ${limit} for update skip locked)
    returning outbox_id, tenant_id, topic, subject_id, next_due_at`.execute(trx);
  return rows;
}

export async function deleteOutboxRows({ trx }: Work, outboxIds: readonly number[]): Promise<void> {
  if (outboxIds.length > 0)
    await trx
      .deleteFrom('outbox')
      .where('outboxId', 'in', [...outboxIds])
      .execute();
}

/** Gives rows back at once after their signal could not be sent. */
export async function releaseOutboxRows({ trx }: Work, outboxIds: readonly number[]): Promise<void> {
  if (outboxIds.length > 0)
    await trx
      .updateTable('outbox')
      .set({ leasedUntil: null })
      .where('outboxId', 'in', [...outboxIds])
      .execute();
}

/** What is overdue by more than a minute, whatever became of its workflow (ARCHITECTURE.md). */
export async function findStalled(
  work: Work,
  { overdueSince }: { overdueSince: Date },
): Promise<Omit<Due, 'nextDueAt'>[]> {
  const [queues, runs, emails, notifications, endpoints] = [
    await findStalledPushQueues(work, overdueSince),
    await findStalledRuns(work, overdueSince),
    await findStalledEmails(work, overdueSince),
    await findStalledNotifications(work, overdueSince),
    await findStalledEndpoints(work, overdueSince),
  ];
  return [
    ...queues.map((row) => ({ ...row, topic: 'record_push' as const })),
    ...runs.map((row) => ({ ...row, topic: 'sync_run' as const })),
    ...emails.map((row) => ({ ...row, topic: 'email' as const })),
    ...(await findStalledOverviews(work, overdueSince)).map((row) => ({
      ...row,
      topic: 'overview' as const,
    })),
    ...notifications.map((row) => ({ ...row, topic: 'notification' as const })),
    ...endpoints.map((row) => ({ ...row, topic: 'webhook_endpoint' as const })),
  ];
}

/** Runs that nobody works on: no job of theirs has moved, and none waits for a later moment. */
async function findStalledRuns(
  { trx }: Work,
  overdueSince: Date,
): Promise<{ tenantId: string; subjectId: string }[]> {
  const { rows } = await sql<{ tenantId: string; subjectId: string }>`
    select tenant_id, integration_id as subject_id from sync_runs run
    where state in ('queued', 'running', 'waiting') and requested_at < ${overdueSince}
      -- What waits behind another run is not forgotten.
      and (state <> 'queued' or not exists (
        select from sync_runs other where other.tenant_id = run.tenant_id and other.integration_id = run.integration_id and other.state in ('running', 'waiting')))
      and not exists (
      select from sync_jobs job where job.tenant_id = run.tenant_id and job.sync_run_id = run.sync_run_id
        and (job.updated_at >= ${overdueSince} or job.waiting_until >= ${overdueSince}))`.execute(trx);
  return rows;
}

/** Overviews that are to be made, that expired, or whose data should be gone. */
async function findStalledOverviews(
  { trx }: Work,
  overdueSince: Date,
): Promise<{ tenantId: string; subjectId: string }[]> {
  return trx
    .selectFrom('overviews')
    .select(['tenantId', 'overviewId as subjectId'])
    .where('dataDeletedAt', 'is', null)
    .where('requestedAt', '<', overdueSince)
    .where(({ eb, or }) =>
      or([
        eb('state', 'in', ['queued', 'running', 'failed']),
        eb('invalidAt', '<', overdueSince),
        eb('expiresAt', '<', overdueSince),
      ]),
    )
    .execute();
}

async function findStalledEmails(
  { trx }: Work,
  overdueSince: Date,
): Promise<{ tenantId: string; subjectId: string }[]> {
  return (
    trx
      .selectFrom('emails')
      .select(['tenantId', 'emailId as subjectId'])
      .where('sentAt', 'is', null)
      .where('failedAt', 'is', null)
      .where('withdrawnAt', 'is', null)
      // Within this time its workflow tries by itself.
      .where('createdAt', '<', new Date(overdueSince.getTime() - EMAIL_TRIES_FOR_MS))
      .limit(100)
      .execute()
  );
}

async function findStalledNotifications(
  { trx }: Work,
  overdueSince: Date,
): Promise<{ tenantId: string; subjectId: string }[]> {
  return trx
    .selectFrom('notificationRecipients')
    .select(['tenantId', 'notificationRecipientId as subjectId'])
    .where('decision', 'is', null)
    .where('visibleAt', '<', overdueSince)
    .where(({ eb, or }) => or([eb('emailAt', 'is', null), eb('emailAt', '<', overdueSince)]))
    .limit(100)
    .execute();
}

/** Those that are switched off too: their lane ends what waits for them. */
async function findStalledEndpoints(
  { trx }: Work,
  overdueSince: Date,
): Promise<{ tenantId: string; subjectId: string }[]> {
  const { rows } = await sql<{ tenantId: string; subjectId: string }>`
    select tenant_id, webhook_endpoint_id as subject_id from webhook_endpoints endpoint
    where (blocked_until is null or blocked_until < ${overdueSince}) and exists (
      select from webhook_deliveries delivery where delivery.webhook_endpoint_id = endpoint.webhook_endpoint_id
        and delivery.next_attempt_at < ${overdueSince} and (delivery.lease_until is null or delivery.lease_until < ${overdueSince}))`.execute(
    trx,
  );
  return rows;
}

const EMAIL_TRIES_FOR_MS = 32 * 3_600_000;

async function findStalledPushQueues(
  { trx }: Work,
  overdueSince: Date,
): Promise<{ tenantId: string; subjectId: string }[]> {
  return trx
    .selectFrom('integrations as integration')
    .select(['integration.tenantId', 'integration.integrationId as subjectId'])
    .where('integration.deletedAt', 'is', null)
    .where('integration.pausedAt', 'is', null)
    .where('integration.needsReauthorizationAt', 'is', null)
    .where(({ eb, or }) =>
      or([eb('integration.blockedUntil', 'is', null), eb('integration.blockedUntil', '<', overdueSince)]),
    )
    .where(({ eb, or, exists, selectFrom }) =>
      or([
        eb('integration.backfillReason', 'is not', null),
        exists(
          selectFrom('recordSyncs as recordSync')
            .select(sql`1`.as('one'))
            .whereRef('recordSync.tenantId', '=', 'integration.tenantId')
            .whereRef('recordSync.integrationId', '=', 'integration.integrationId')
            .where('recordSync.nextDueAt', '<', overdueSince),
        ),
      ]),
    )
    .execute();
}

/** Rows older than these limits have done their work: an hour of stream events, a day of idempotency keys, 30 days of events with their deliveries. */
export async function purgeExpired(work: Work): Promise<void> {
  const { trx } = work;
  await sql`delete from stream_events where created_at < now() - interval '1 hour'`.execute(trx);
  await sql`delete from idempotency_keys where created_at < now() - interval '24 hours'`.execute(trx);
  await deleteOldEvents(work);
}
