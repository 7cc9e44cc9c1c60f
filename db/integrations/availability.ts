/**
 * What holds a whole integration back: an outage, a rate limit, credentials that are refused (rules.md 8, 10, 11).
 * Kept on the integration, because a third party's limits and troubles belong to the account, not to a record.
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

interface Place {
  integrationId: string;
  now: Date;
}

/** Longer than a check may take, and soon over where who had the turn died. */
const PROBE_TURN_MS = 45_000;

/** The third party cannot be reached (its `check` failed too). Answers when to probe it next. */
export async function markOutage(
  work: TenantWork,
  { integrationId, now, detail, limits }: Place & { detail: string; limits: OutageLimits },
): Promise<Date> {
  const { trx, tenantId } = work;
  const row = await trx
    .selectFrom('integrations')
    .select(['outageSince', 'failedProbes', 'blockedUntil', 'blockedReason'])
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow();
  // It asked for a pause before it went down: not even a probe until then.
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
    ? await failWaitingPushes(work, { integrationId, now, detail })
    : [];
  await appendStreamEvent(work, { topic: 'integrations', body: { integration_id: integrationId } });
  await emitFailedPushes(work, integrationId, givenUp);
  return blockedUntil;
}

/**
 * Whose turn it is to probe a third party that is down: one of all that wake at that moment, pushes and runs of all workers
 * (rules.md 11). Who gets it has three quarters of a minute. @param blockedUntil what the integration said when it was read.
 */
export async function claimProbe(
  work: TenantWork,
  { integrationId, now, blockedUntil }: Place & { blockedUntil: Date },
): Promise<boolean> {
  const { numUpdatedRows } = await work.trx
    .updateTable('integrations')
    .set({ blockedUntil: new Date(now.getTime() + PROBE_TURN_MS) })
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', integrationId)
    .where('blockedReason', '=', 'outage')
    .where('blockedUntil', '=', blockedUntil)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** The third party answers again. */
export async function markRecovered(work: TenantWork, { integrationId, now }: Place): Promise<void> {
  await work.trx
    .updateTable('integrations')
    .set({ outageSince: null, failedProbes: 0, blockedUntil: null, blockedReason: null, blockedDetail: null })
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', integrationId)
    // A pause that it asked for meanwhile is not over.
    .where(({ eb, or }) => or([eb('blockedReason', '=', 'outage'), eb('blockedUntil', '<=', now)]))
    .execute();
  await resolveNotification(work, { integrationId, kind: 'integration_unavailable', now });
  await appendStreamEvent(work, { topic: 'integrations', body: { integration_id: integrationId } });
}

/** What a check came to that somebody asked for. A good one ends an outage at once, and what waited for its end goes on. */
export async function saveCheck(
  work: TenantWork,
  { integrationId, check }: { integrationId: string; check: LastCheck },
): Promise<void> {
  const { trx, tenantId, now } = work;
  const { blockedReason } = await trx
    .updateTable('integrations')
    .set({ lastCheck: JSON.stringify({ ...check, message: sanitizeForPostgres(check.message) }) })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .returning('blockedReason')
    .executeTakeFirstOrThrow();
  if (!check.ok || blockedReason !== 'outage') return;
  await markRecovered(work, { integrationId, now });
  await enqueuePush(work, { integrationId, nextDueAt: now });
}

/** It asked us to slow down: nothing more until then, and no attempt is used up. */
export async function markRateLimited(
  work: TenantWork,
  { integrationId, until, detail }: { integrationId: string; until: Date; detail: string },
): Promise<void> {
  await work.trx
    .updateTable('integrations')
    .set({
      // Of two calls that were told to slow down, the one that was told to wait longer counts.
      blockedUntil: sql<Date>`greatest(case when blocked_reason = 'rate_limit' then blocked_until end, ${until}::timestamptz)`,
      blockedReason: 'rate_limit',
      blockedDetail: sanitizeForPostgres(detail),
    })
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
  await appendStreamEvent(work, { topic: 'integrations', body: { integration_id: integrationId } });
}

/**
 * Its credentials are refused: pushes wait for new ones, and people are told once. `credentialsUpdatedAt`: which ones were
 * refused; when they have been replaced meanwhile, this is no news.
 */
export async function markUnauthorized(
  work: TenantWork,
  {
    integrationId,
    now,
    detail,
    credentialsUpdatedAt,
  }: Place & { detail: string; credentialsUpdatedAt: Date | null },
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

/** What a waiting push shows once its third party has been out of reach for a quarter of an hour; its retries go on. */
export function unreachableError(detail: string): SyncError {
  return {
    category: 'transient',
    origin: 'app',
    code: 'unreachable',
    field: null,
    remote_field: null,
    message: sanitizeForPostgres(detail),
    explanation:
      'The third party cannot be reached. Syncline goes on trying by itself for 72 hours; nothing has to be done unless the address changed.',
  };
}

/** Waiting pushes turn into Sync failed, with retries going on; those that waited for 72 h are given up and answered. */
async function failWaitingPushes(
  work: TenantWork,
  { integrationId, now, detail }: Place & { detail: string },
): Promise<FailedPush[]> {
  const { trx, tenantId } = work;
  const error = unreachableError(detail);
  const errors = JSON.stringify([error]);
  await sql`
    update record_syncs set is_push_failing = true, errors = ${errors}::jsonb
    where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)} and status = 'syncing' and push_id is not null and lease_until is null
      and not is_push_failing`.execute(trx);
  const givenUp = await sql<{ pushId: string; recordId: string }>`
    with given_up as (
      select record_id, push_id from record_syncs
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)} and push_id is not null and lease_until is null and give_up_at <= ${now}
      order by record_id for update)
    update record_syncs record_sync set result_status = 'sync_failed', result_version = record_sync.push_version, result_hash = null, errors = ${errors}::jsonb,
      push_id = null, push_version = null, push_hash = null, push_refusals = 0, is_push_failing = false, next_attempt_at = null, give_up_at = null
    from given_up
    where record_sync.tenant_id = ${opaqueToPlanner(tenantId)} and record_sync.integration_id = ${opaqueToPlanner(integrationId)} and record_sync.record_id = given_up.record_id
    returning given_up.push_id, given_up.record_id`.execute(trx);
  if (givenUp.rows.length > 0) {
    const pushIds = givenUp.rows.map((row) => row.pushId);
    await sql`update pushes set result = 'failed', errors = ${errors}::jsonb, finished_at = ${now} where tenant_id = ${opaqueToPlanner(tenantId)} and push_id = any(${pushIds}::uuid[])`.execute(
      trx,
    );
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
    select record.record_id, record.record_type, record.external_id from unnest(${[...pushOf.keys()]}::uuid[]) as wanted(record_id)
    cross join lateral (
      select * from records where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = wanted.record_id limit 1) record
    order by record.record_id`.execute(trx);
  return rows.map(({ recordId, ...record }) => ({
    ...record,
    pushId: pushOf.get(recordId) ?? '',
    errors: [error],
  }));
}

/** The retry clocks stood still while it was paused (rules.md 16): they go on from where they were. */
export async function shiftRetryClocks(
  { trx, tenantId }: TenantWork,
  { integrationId, byMs }: { integrationId: string; byMs: number },
): Promise<void> {
  await sql`
    update record_syncs set give_up_at = give_up_at + make_interval(secs => ${byMs / 1_000}), next_attempt_at = next_attempt_at + make_interval(secs => ${byMs / 1_000})
    where tenant_id = ${tenantId} and integration_id = ${integrationId} and push_id is not null`.execute(trx);
}

/** Waiting for people to give new credentials is not waiting for the third party. */
export async function postponeGivingUp(
  { trx, tenantId }: TenantWork,
  { integrationId, byMs }: { integrationId: string; byMs: number },
): Promise<void> {
  await sql`
    update record_syncs set give_up_at = give_up_at + make_interval(secs => ${byMs / 1_000})
    where tenant_id = ${tenantId} and integration_id = ${integrationId} and push_id is not null`.execute(trx);
}
