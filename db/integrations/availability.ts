/**
 * The reasons why a whole integration waits: an outage, a rate limit, refused credentials (rules.md 8, 10,
 * 11). Stored at the integration, because limits and failures of a third party concern the account, not one
 * record.
 */
import { sql } from 'kysely';
import { isUnreachableLongEnoughToFail, nextProbeAt, type OutageLimits } from '../../domain/retry';
import type { SyncError } from '../../domain/sync-error';
import type { TenantWork } from '../database';
import { emitEvents } from '../webhooks/events';
import { toTypeId } from '../sql/ids';
import { resolveNotification, notifyAdmins } from '../notifications/notifications';
import { appendStreamEvent } from '../platform/change-feed';
import { enqueuePush } from '../platform/outbox';
import { emitFailedPushes, type FailedPush } from '../records/record-events';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { sanitizeForPostgres } from '../sql/sanitize-text';
import type { LastCheck } from '../tables/integrations';

interface IntegrationAtInstant {
  integrationId: string;
  now: Date;
}

/** Longer than a check may take, and short enough if the prober dies. */
const PROBE_LOCK_MS = 45_000;

const HOUR_MS = 3_600_000;

/** The third party is unreachable, and its `check` failed too. @returns when to probe it next. */
export async function markOutage(
  work: TenantWork,
  { integrationId, now, detail, limits }: IntegrationAtInstant & { detail: string; limits: OutageLimits },
): Promise<Date> {
  const { trx, tenantId } = work;
  const row = await trx
    .selectFrom('integrations')
    .select(['outageSince', 'failedProbes', 'blockedUntil', 'blockedReason', 'retryClockStoppedMs'])
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow();
  // The third party requested a pause before the outage, so it is not probed until the pause ends.
  if (row.blockedReason === 'rate_limit' && row.blockedUntil !== null && row.blockedUntil > now)
    return row.blockedUntil;
  const isNew = row.outageSince === null;
  const outageSince = row.outageSince ?? now;
  const failedProbes = isNew ? 0 : row.failedProbes + 1;
  const blockedUntil = nextProbeAt({ outageSince, failedProbes, now }, limits);
  await trx
    .updateTable('integrations')
    .set({
      outageSince,
      failedProbes,
      blockedUntil,
      blockedReason: 'outage',
      blockedDetail: sanitizeForPostgres(detail),
    })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
  const givenUp = isUnreachableLongEnoughToFail(outageSince, now, limits)
    ? await failWaitingPushes(work, { integrationId, now, detail, limits, ...row })
    : [];
  await appendStreamEvent(work, { topic: 'integrations', body: { integration_id: integrationId } });
  await emitFailedPushes(work, integrationId, givenUp);
  return blockedUntil;
}

/**
 * Lets one of all workers and jobs that are due at this moment probe a third party that is down (rules.md
 * 11). The winner has 45 seconds. @param blockedUntil the integration's value when the caller read it.
 */
export async function claimProbe(
  work: TenantWork,
  { integrationId, now, blockedUntil }: IntegrationAtInstant & { blockedUntil: Date },
): Promise<boolean> {
  const { numUpdatedRows } = await work.trx
    .updateTable('integrations')
    .set({ blockedUntil: new Date(now.getTime() + PROBE_LOCK_MS) })
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', integrationId)
    .where('blockedReason', '=', 'outage')
    .where('blockedUntil', '=', blockedUntil)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** The third party answers again. */
export async function markRecovered(
  work: TenantWork,
  { integrationId, now }: IntegrationAtInstant,
): Promise<void> {
  await work.trx
    .updateTable('integrations')
    .set({ outageSince: null, failedProbes: 0, blockedUntil: null, blockedReason: null, blockedDetail: null })
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', integrationId)
    // A pause that the third party asked for still counts.
    .where(({ eb, or }) => or([eb('blockedReason', '=', 'outage'), eb('blockedUntil', '<=', now)]))
    .execute();
  await resolveNotification(work, { integrationId, kind: 'integration_unavailable', now });
  await appendStreamEvent(work, { topic: 'integrations', body: { integration_id: integrationId } });
}

/**
 * Stores the result of a requested check. A successful one ends an outage at once, and the waiting work
 * continues.
 */
export async function saveCheck(
  work: TenantWork,
  { integrationId, check }: { integrationId: string; check: LastCheck | null },
): Promise<void> {
  const { trx, tenantId, now } = work;
  const { blockedReason } = await trx
    .updateTable('integrations')
    .set({ lastCheck: check === null ? null : JSON.stringify(sanitizeForPostgres({ ...check })) })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .returning('blockedReason')
    .executeTakeFirstOrThrow();
  if (check?.ok !== true || blockedReason !== 'outage') return;
  await markRecovered(work, { integrationId, now });
  await enqueuePush(work, { integrationId, nextDueAt: now });
}

/** The third party asked to slow down: nothing is sent until then, and no attempt is counted. */
export async function markRateLimited(
  work: TenantWork,
  { integrationId, until, detail }: { integrationId: string; until: Date; detail: string },
): Promise<void> {
  await work.trx
    .updateTable('integrations')
    .set({
      // Of two concurrent responses, the longer pause counts.
      blockedUntil: sql<Date>`greatest(case when blocked_reason = 'rate_limit' then blocked_until end,
        ${until}::timestamptz)`,
      blockedReason: 'rate_limit',
      blockedDetail: sanitizeForPostgres(detail),
    })
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
  await appendStreamEvent(work, { topic: 'integrations', body: { integration_id: integrationId } });
}

/**
 * The credentials were refused: pushes wait for new ones, and people are notified once.
 * `credentialsUpdatedAt` says which credentials were refused; if they have been replaced since, nothing
 * happens.
 */
export async function markUnauthorized(
  work: TenantWork,
  {
    integrationId,
    now,
    detail,
    credentialsUpdatedAt,
  }: IntegrationAtInstant & { detail: string; credentialsUpdatedAt: Date | null },
): Promise<void> {
  const { numUpdatedRows } = await work.trx
    .updateTable('integrations')
    .set({
      needsReauthorizationAt: now,
      blockedUntil: null,
      blockedReason: null,
      blockedDetail: sanitizeForPostgres(detail),
    })
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', integrationId)
    .where('needsReauthorizationAt', 'is', null)
    .where(sql<boolean>`credentials_updated_at is not distinct from ${credentialsUpdatedAt}::timestamptz`)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return;
  await notifyAdmins(work, { integrationId, kind: 'integration_needs_reauthorization', detail });
  await appendStreamEvent(work, { topic: 'integrations', body: { integration_id: integrationId } });
  await emitEvents(work, [
    {
      type: 'INTEGRATION_NEEDS_REAUTHORIZATION',
      integrationId,
      data: { integration_id: toTypeId('int', integrationId) },
    },
  ]);
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

/** Waiting pushes become Sync failed and keep retrying; those whose retries have ended are given up. */
async function failWaitingPushes(
  work: TenantWork,
  {
    integrationId,
    now,
    detail,
    limits,
    retryClockStoppedMs,
  }: IntegrationAtInstant & { detail: string; limits: OutageLimits; retryClockStoppedMs: number },
): Promise<FailedPush[]> {
  const { trx, tenantId } = work;
  const error = unreachableError(detail, limits);
  const errors = JSON.stringify([error]);
  await sql`
    update record_syncs set is_push_failing = true, errors = ${errors}::jsonb
    where tenant_id = ${opaqueToPlanner(tenantId)} and
      integration_id = ${opaqueToPlanner(integrationId)} and status = 'syncing' and push_id is not null
        and lease_until is null
      and not is_push_failing`.execute(trx);
  const givenUp = await sql<{ pushId: string; recordId: string }>`
    with given_up as (
      select record_id, push_id from record_syncs
      where tenant_id = ${opaqueToPlanner(tenantId)} and
        integration_id = ${opaqueToPlanner(integrationId)} and push_id is not null and lease_until is null
          and give_up_at <= ${now}::timestamptz - make_interval(secs => ${retryClockStoppedMs / 1_000})
      order by record_id for update)
    update record_syncs record_sync set result_status = 'sync_failed',
      result_version = record_sync.push_version, result_hash = null, errors = ${errors}::jsonb,
      push_id = null, push_version = null, push_hash = null, push_refusals = 0, is_push_failing = false,
        next_attempt_at = null, give_up_at = null
    from given_up
    where record_sync.tenant_id = ${opaqueToPlanner(tenantId)} and
      record_sync.integration_id = ${opaqueToPlanner(integrationId)} and
        record_sync.record_id = given_up.record_id
    returning given_up.push_id, given_up.record_id`.execute(trx);
  if (givenUp.rows.length > 0) {
    const pushIds = givenUp.rows.map((row) => row.pushId);
    await sql`update pushes set result = 'failed', errors = ${errors}::jsonb,
      finished_at = ${now} where tenant_id = ${opaqueToPlanner(tenantId)} and
        push_id = any(${pushIds}::uuid[])`.execute(trx);
  }
  await notifyAdmins(work, { integrationId, kind: 'integration_unavailable', detail });
  return describe(work, givenUp.rows, error);
}

async function describe(
  { trx, tenantId }: TenantWork,
  pushes: readonly { pushId: string; recordId: string }[],
  error: SyncError,
): Promise<FailedPush[]> {
  if (pushes.length === 0) return [];
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
