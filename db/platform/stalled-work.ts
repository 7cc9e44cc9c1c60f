/**
 * Overdue work that no workflow takes care of, found by its rows: a workflow may have been terminated by
 * hand, or lost when Temporal was restored from a backup. The sweeper sends its message again. Each search
 * reads open work only, page by page, so that what is closed costs nothing (rules.md 60).
 */
import { sql } from 'kysely';
import type { Work } from '../database';
import {
  type FindStalledWork,
  pageOf,
  type StalledWorkPage,
  type StalledWorkSearch,
} from './stalled-work-page';
import { openPushQueues } from '../sql/open-push-queues';
import {
  findStalledDeletions,
  findStalledErasures,
  findStalledRollouts,
  findStalledIncoming,
  findStalledTasks,
} from './stalled-tasks';
import { FIRST_ID } from '../sql/ids';

/** An e-mail's own workflow retries for this long. */
const EMAIL_RETRIES_MS = 32 * 3_600_000;

/** Goes from one queue with open records to the next, however many records each has. */
async function findStalledPushQueues(
  { trx }: Work,
  { overdueSince, after, limit }: StalledWorkSearch,
): Promise<StalledWorkPage> {
  const { rows } = await sql<{ tenantId: string; integrationId: string; isStalled: boolean }>`
    with recursive ${openPushQueues(after)},
    page as materialized (select * from queue limit ${limit})
    select page.tenant_id, page.integration_id, exists (
      select from integrations integration
      where integration.tenant_id = page.tenant_id and integration.integration_id = page.integration_id
        and ${mayPush(overdueSince)}
        and exists (
          select from record_syncs record_sync
          where record_sync.tenant_id = page.tenant_id and record_sync.integration_id = page.integration_id
            and record_sync.is_backfill in (false, true) and record_sync.next_due_at < ${overdueSince})
      ) as is_stalled
    from page order by page.tenant_id, page.integration_id`.execute(trx);
  return pageOf(
    rows,
    limit,
    (row) => `${row.tenantId} ${row.integrationId}`,
    ({ isStalled, ...row }) => (isStalled ? [{ ...row, topic: 'record_push' }] : []),
  );
}

/** A condition for an integration whose queue should be at work. */
const mayPush = (overdueSince: Date) => sql`integration.deleted_at is null
  and integration.paused_at is null and integration.needs_reauthorization_at is null
  and (integration.blocked_until is null or integration.blocked_until < ${overdueSince})`;

async function findStalledBackfills(
  { trx }: Work,
  { overdueSince, after, limit }: StalledWorkSearch,
): Promise<StalledWorkPage> {
  const { rows } = await sql<{ tenantId: string; integrationId: string }>`
    select tenant_id, integration_id from integrations integration
    where backfill_reason is not null and integration_id > ${after ?? FIRST_ID} and ${mayPush(overdueSince)}
    order by integration_id limit ${limit}`.execute(trx);
  return pageOf(
    rows,
    limit,
    ({ integrationId }) => integrationId,
    (row) => [{ ...row, topic: 'record_push' }],
  );
}

/**
 * Runs of which no job has made progress lately or waits for a later instant. A run queued behind another is
 * fine.
 */
async function findStalledRuns(
  { trx }: Work,
  { overdueSince, after, limit }: StalledWorkSearch,
): Promise<StalledWorkPage> {
  const { rows } = await sql<{ tenantId: string; integrationId: string; syncRunId: string }>`
    select tenant_id, integration_id, sync_run_id from sync_runs run
    where state in ('queued', 'running', 'waiting') and requested_at < ${overdueSince}
      and sync_run_id > ${after ?? FIRST_ID}
      and (state <> 'queued' or not exists (
        select from sync_runs other
        where other.tenant_id = run.tenant_id and other.integration_id = run.integration_id
          and other.state in ('running', 'waiting')))
      and not exists (
        select from sync_jobs job
        where job.tenant_id = run.tenant_id and job.sync_run_id = run.sync_run_id
          and (job.updated_at >= ${overdueSince} or job.waiting_until >= ${overdueSince}))
    order by sync_run_id limit ${limit}`.execute(trx);
  return pageOf(
    rows,
    limit,
    ({ syncRunId }) => syncRunId,
    ({ tenantId, integrationId }) => [{ tenantId, integrationId, topic: 'sync_run' }],
  );
}

async function findStalledEmails(
  { trx }: Work,
  { overdueSince, after, limit }: StalledWorkSearch,
): Promise<StalledWorkPage> {
  const rows = await trx
    .selectFrom('emails')
    .select(['tenantId', 'emailId'])
    .where('sentAt', 'is', null)
    .where('failedAt', 'is', null)
    .where('withdrawnAt', 'is', null)
    .where('createdAt', '<', new Date(overdueSince.getTime() - EMAIL_RETRIES_MS))
    .where('emailId', '>', after ?? FIRST_ID)
    .orderBy('emailId')
    .limit(limit)
    .execute();
  return pageOf(
    rows,
    limit,
    ({ emailId }) => emailId,
    (row) => [{ ...row, topic: 'email' }],
  );
}

/** Overviews that are not built yet, have expired, or whose data is still to be deleted. */
async function findStalledOverviews(
  { trx }: Work,
  { overdueSince, after, limit }: StalledWorkSearch,
): Promise<StalledWorkPage> {
  const rows = await trx
    .selectFrom('overviews')
    .select(['tenantId', 'overviewId'])
    .where('dataDeletedAt', 'is', null)
    .where('requestedAt', '<', overdueSince)
    .where(({ eb, or }) =>
      or([
        eb('state', 'in', ['queued', 'running', 'failed']),
        eb('invalidAt', '<', overdueSince),
        eb('expiresAt', '<', overdueSince),
      ]),
    )
    .where('overviewId', '>', after ?? FIRST_ID)
    .orderBy('overviewId')
    .limit(limit)
    .execute();
  return pageOf(
    rows,
    limit,
    ({ overviewId }) => overviewId,
    (row) => [{ ...row, topic: 'overview' }],
  );
}

async function findStalledNotifications(
  { trx }: Work,
  { overdueSince, after, limit }: StalledWorkSearch,
): Promise<StalledWorkPage> {
  const rows = await trx
    .selectFrom('notificationRecipients')
    .select(['tenantId', 'notificationRecipientId'])
    .where('decision', 'is', null)
    .where('visibleAt', '<', overdueSince)
    .where(({ eb, or }) => or([eb('emailAt', 'is', null), eb('emailAt', '<', overdueSince)]))
    .where('notificationRecipientId', '>', after ?? FIRST_ID)
    .orderBy('notificationRecipientId')
    .limit(limit)
    .execute();
  return pageOf(
    rows,
    limit,
    ({ notificationRecipientId }) => notificationRecipientId,
    (row) => [{ ...row, topic: 'notification' }],
  );
}

/** Disabled endpoints count as well: their queue ends the deliveries that are left. */
async function findStalledEndpoints(
  { trx }: Work,
  { overdueSince, after, limit }: StalledWorkSearch,
): Promise<StalledWorkPage> {
  const { rows } = await sql<{ tenantId: string | null; endpointId: string }>`
    with recursive queue as (
      (select webhook_endpoint_id from webhook_deliveries
       where next_attempt_at is not null and webhook_endpoint_id > ${after ?? FIRST_ID}
       order by webhook_endpoint_id, next_attempt_at limit 1)
      union all
      select next.webhook_endpoint_id from queue, lateral (
        select webhook_endpoint_id from webhook_deliveries other
        where other.next_attempt_at is not null and other.webhook_endpoint_id > queue.webhook_endpoint_id
        order by webhook_endpoint_id, next_attempt_at limit 1) next),
    page as materialized (select * from queue limit ${limit})
    select page.webhook_endpoint_id as endpoint_id, (
      select tenant_id from webhook_endpoints endpoint
      where endpoint.webhook_endpoint_id = page.webhook_endpoint_id
        and (blocked_until is null or blocked_until < ${overdueSince}) and exists (
          select from webhook_deliveries delivery
          where delivery.webhook_endpoint_id = page.webhook_endpoint_id
            and delivery.next_attempt_at < ${overdueSince}
            and (delivery.lease_until is null or delivery.lease_until < ${overdueSince}))) as tenant_id
    from page order by page.webhook_endpoint_id`.execute(trx);
  return pageOf(
    rows,
    limit,
    ({ endpointId }) => endpointId,
    ({ tenantId, endpointId }) =>
      tenantId === null ? [] : [{ tenantId, endpointId, topic: 'webhook_endpoint' }],
  );
}

export const STALLED_WORK = {
  pushQueues: findStalledPushQueues,
  backfills: findStalledBackfills,
  runs: findStalledRuns,
  emails: findStalledEmails,
  overviews: findStalledOverviews,
  notifications: findStalledNotifications,
  endpoints: findStalledEndpoints,
  backgroundTasks: findStalledTasks,
  erasures: findStalledErasures,
  tenantDeletions: findStalledDeletions,
  rollouts: findStalledRollouts,
  incoming: findStalledIncoming,
} satisfies Record<string, FindStalledWork>;

export const STALLED_WORK_KINDS = Object.keys(STALLED_WORK) as (keyof typeof STALLED_WORK)[];
