/**
 * The pushes of an integration whose third party is down (rules.md 8, 11, 58), in bounded chunks: after 15
 * minutes they show Sync failed and go on waiting, after 72 hours they are given up, and once a push succeeds
 * those that were given up are sent.
 */
import { sql } from 'kysely';
import { PUSH_KINDS } from '../../domain/push/push-kind';
import { GIVEN_UP_PROBE_MS, type OutageLimits } from '../../domain/retry';
import type { SyncError } from '../../domain/sync-error';
import type { TenantWork } from '../database';
import { emitFailedPushes, type FailedPush } from '../records/record-events';
import { idList, opaqueToPlanner } from '../sql/bulk-rows';
import { sanitizeForPostgres } from '../sql/sanitize-text';
import { appendStreamEvent } from '../platform/change-feed';
import { lockIntegration } from './integrations';

const HOUR_MS = 3_600_000;

interface Chunk {
  integrationId: string;
  limit: number;
}

/**
 * The error of a waiting push once its third party has been unreachable for 15 minutes; its retries continue.
 */
export function unreachableError(
  detail: string,
  { giveUpAfterMs }: Pick<OutageLimits, 'giveUpAfterMs'>,
): SyncError {
  const hours = Math.round(giveUpAfterMs / HOUR_MS);
  const period = hours === 1 ? '1 hour' : `${hours} hours`;
  return {
    category: 'transient',
    origin: 'app',
    code: 'unreachable',
    field: null,
    remote_field: null,
    message: sanitizeForPostgres(detail),
    explanation:
      `The third party cannot be reached. Syncline keeps retrying for ${period}. ` +
      'You only need to act if its address has changed.',
  };
}

/** Waiting pushes show Sync failed and keep waiting. @returns how many. */
export async function showAsFailing(
  work: TenantWork,
  { integrationId, limit, error }: Chunk & { error: SyncError },
): Promise<number> {
  const { trx, tenantId } = work;
  const { numAffectedRows = 0n } = await sql`
    update record_syncs set is_push_failing = true, errors = ${JSON.stringify([error])}::jsonb
    where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
      and record_id = any(array(
        select record_id from record_syncs
        where tenant_id = ${opaqueToPlanner(tenantId)} and status = 'syncing'
          and integration_id = ${opaqueToPlanner(integrationId)} and push_id is not null
          and lease_until is null and not is_push_failing
        limit ${limit} for update skip locked))`.execute(trx);
  const count = Number(numAffectedRows);
  if (count > 0)
    await appendStreamEvent(work, {
      topic: 'record_syncs',
      body: { integration_ids: [integrationId], count },
    });
  return count;
}

/**
 * Ends the retries of waiting pushes whose time is over, and notes that an outage was the cause.
 * @returns how many; fewer than `limit` = there are no more.
 */
export async function giveUpWaiting(
  work: TenantWork,
  {
    integrationId,
    limit,
    now,
    retryClockStoppedMs,
    error,
  }: Chunk & { now: Date; retryClockStoppedMs: number; error: SyncError },
): Promise<number> {
  const { trx, tenantId } = work;
  const retryClock = new Date(now.getTime() - retryClockStoppedMs);
  const errors = JSON.stringify([error]);
  // Before the record syncs, in the order in which other transactions lock them.
  await lockIntegration(work, { integrationId });
  const { rows } = await sql<{ pushId: string; recordId: string }>`
    with given_up as (
      select record_id, push_id from record_syncs
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = any(array(
          select record_id from record_syncs
          where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
            and give_up_at <= ${retryClock}::timestamptz and lease_until is null
          order by give_up_at limit ${limit}))
        and push_id is not null and lease_until is null and give_up_at <= ${retryClock}::timestamptz
      order by record_id for update),
    noted as (
      insert into outage_give_ups (tenant_id, integration_id, record_id, push_id)
      select ${tenantId}::uuid, ${integrationId}::uuid, record_id, push_id from given_up
      on conflict (tenant_id, integration_id, record_id) do update set push_id = excluded.push_id)
    update record_syncs set result_status = 'sync_failed', result_version = push_version, result_hash = null,
      errors = ${errors}::jsonb, push_id = null, push_version = null, push_hash = null, push_refusals = 0, is_push_failing = false,
      next_attempt_at = null, give_up_at = null
    where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
      and record_id = any(array(select record_id from given_up))
    returning last_push_id as push_id, record_id`.execute(trx);
  if (rows.length === 0) return 0;
  await sql`update pushes set result = 'failed', errors = ${errors}::jsonb, finished_at = ${now}
    where tenant_id = ${opaqueToPlanner(tenantId)}
      and push_id = any(${rows.map(({ pushId }) => pushId)}::uuid[])`.execute(trx);
  await trx
    .updateTable('integrations')
    .set({ givenUpProbeAt: new Date(now.getTime() + GIVEN_UP_PROBE_MS) })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('givenUpProbeAt', 'is', null)
    .execute();
  await appendStreamEvent(work, {
    topic: 'record_syncs',
    body: { integration_ids: [integrationId], count: rows.length },
  });
  await emitFailedPushes(work, integrationId, await describe(work, rows, error));
  return rows.length;
}

/**
 * Makes pushes due that were given up because of an outage. Records with a newer change or result need no
 * retry. @returns how many are due now, and whether others are left.
 */
export async function retryGivenUp(
  work: TenantWork,
  { integrationId, limit, now }: Chunk & { now: Date },
): Promise<{ due: number; isMore: boolean }> {
  const { trx, tenantId } = work;
  await lockIntegration(work, { integrationId }); // before the record syncs, as above
  const { rows } = await sql<{ recordId: string; pushId: string }>`
    delete from outage_give_ups where tenant_id = ${tenantId} and integration_id = ${integrationId}
      and record_id = any(array(select record_id from outage_give_ups
        where tenant_id = ${tenantId} and integration_id = ${integrationId}
        limit ${limit} for update skip locked))
    returning record_id, push_id`.execute(trx);
  const { numAffectedRows = 0n } = await sql`
    update record_syncs set window_opened_at = ${now}::timestamptz, due_at = ${now}::timestamptz,
      window_reason = 'retry', push_priority = ${PUSH_KINDS.bulk}
    where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
      and record_id = any(${idList(rows.map(({ recordId }) => recordId))})
      and last_push_id = any(${idList(rows.map(({ pushId }) => pushId))})
      and status = 'sync_failed' and push_id is null and window_opened_at is null`.execute(trx);
  const isMore = rows.length === limit;
  await trx
    .updateTable('integrations')
    .set({ givenUpProbeAt: isMore ? new Date(now.getTime() + GIVEN_UP_PROBE_MS) : null })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
  return { due: Number(numAffectedRows), isMore };
}

async function describe(
  { trx, tenantId }: TenantWork,
  pushes: readonly { pushId: string; recordId: string }[],
  error: SyncError,
): Promise<FailedPush[]> {
  const pushOf = new Map(pushes.map(({ pushId, recordId }) => [recordId, pushId]));
  const { rows } = await sql<{ recordId: string; recordType: string; externalId: string }>`
    select record.record_id, record.record_type, record.external_id
      from unnest(${[...pushOf.keys()]}::uuid[]) as wanted(record_id)
    cross join lateral (
      select * from records where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = wanted.record_id
        limit 1) record
    order by record.record_id`.execute(trx);
  return rows.map(({ recordId, ...record }) => ({
    ...record,
    pushId: pushOf.get(recordId) ?? '',
    errors: [error],
  }));
}
