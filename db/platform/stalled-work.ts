/**
 * Overdue work that no workflow takes care of, found by its rows: a workflow may have been terminated by
 * hand, or lost when Temporal was restored from a backup. The sweeper sends its message again.
 */
import { sql } from 'kysely';
import type { Work } from '../database';
import type { OutboxMessage } from './outbox';

export type StalledWork = OutboxMessage & { tenantId: string };

/** An e-mail's own workflow retries for this long. */
const EMAIL_RETRIES_MS = 32 * 3_600_000;
const ROWS_MAX = 100;

/** Everything that is overdue since `overdueSince`. */
export async function findStalledWork(
  work: Work,
  { overdueSince }: { overdueSince: Date },
): Promise<StalledWork[]> {
  return [
    ...(await findStalledPushQueues(work, overdueSince)),
    ...(await findStalledRuns(work, overdueSince)),
    ...(await findStalledEmails(work, overdueSince)),
    ...(await findStalledOverviews(work, overdueSince)),
    ...(await findStalledNotifications(work, overdueSince)),
    ...(await findStalledEndpoints(work, overdueSince)),
  ];
}

async function findStalledPushQueues({ trx }: Work, overdueSince: Date): Promise<StalledWork[]> {
  const rows = await trx
    .selectFrom('integrations as integration')
    .select(['integration.tenantId', 'integration.integrationId'])
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
  return rows.map((row) => ({ ...row, topic: 'record_push' }));
}

/**
 * Runs of which no job has made progress lately or waits for a later instant. A run queued behind another is
 * fine.
 */
async function findStalledRuns({ trx }: Work, overdueSince: Date): Promise<StalledWork[]> {
  const { rows } = await sql<{ tenantId: string; integrationId: string }>`
    select tenant_id, integration_id from sync_runs run
    where state in ('queued', 'running', 'waiting') and requested_at < ${overdueSince}
      and (state <> 'queued' or not exists (
        select from sync_runs other
        where other.tenant_id = run.tenant_id and other.integration_id = run.integration_id
          and other.state in ('running', 'waiting')))
      and not exists (
        select from sync_jobs job
        where job.tenant_id = run.tenant_id and job.sync_run_id = run.sync_run_id
          and (job.updated_at >= ${overdueSince} or job.waiting_until >= ${overdueSince}))`.execute(trx);
  return rows.map((row) => ({ ...row, topic: 'sync_run' }));
}

async function findStalledEmails({ trx }: Work, overdueSince: Date): Promise<StalledWork[]> {
  const rows = await trx
    .selectFrom('emails')
    .select(['tenantId', 'emailId'])
    .where('sentAt', 'is', null)
    .where('failedAt', 'is', null)
    .where('withdrawnAt', 'is', null)
    .where('createdAt', '<', new Date(overdueSince.getTime() - EMAIL_RETRIES_MS))
    .limit(ROWS_MAX)
    .execute();
  return rows.map((row) => ({ ...row, topic: 'email' }));
}

/** Overviews that are not built yet, have expired, or whose data is still to be deleted. */
async function findStalledOverviews({ trx }: Work, overdueSince: Date): Promise<StalledWork[]> {
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
    .execute();
  return rows.map((row) => ({ ...row, topic: 'overview' }));
}

async function findStalledNotifications({ trx }: Work, overdueSince: Date): Promise<StalledWork[]> {
  const rows = await trx
    .selectFrom('notificationRecipients')
    .select(['tenantId', 'notificationRecipientId'])
    .where('decision', 'is', null)
    .where('visibleAt', '<', overdueSince)
    .where(({ eb, or }) => or([eb('emailAt', 'is', null), eb('emailAt', '<', overdueSince)]))
    .limit(ROWS_MAX)
    .execute();
  return rows.map((row) => ({ ...row, topic: 'notification' }));
}

/** Disabled endpoints count as well: their queue ends the deliveries that are left. */
async function findStalledEndpoints({ trx }: Work, overdueSince: Date): Promise<StalledWork[]> {
  const { rows } = await sql<{ tenantId: string; endpointId: string }>`
    select tenant_id, webhook_endpoint_id as endpoint_id from webhook_endpoints endpoint
    where (blocked_until is null or blocked_until < ${overdueSince}) and exists (
      select from webhook_deliveries delivery
      where delivery.webhook_endpoint_id = endpoint.webhook_endpoint_id
        and delivery.next_attempt_at < ${overdueSince}
        and (delivery.lease_until is null or delivery.lease_until < ${overdueSince}))`.execute(trx);
  return rows.map((row) => ({ ...row, topic: 'webhook_endpoint' }));
}
