/**
 * The reasons why a whole integration waits: an outage, a rate limit, refused credentials (rules.md 8, 10,
 * 11). Stored at the integration, because limits and failures of a third party concern the account, not one
 * record.
 */
import { sql } from 'kysely';
import { isUnreachableLongEnoughToFail, nextProbeAt, type OutageLimits } from '../../domain/retry';
import type { TenantWork } from '../database';
import { emitEvents } from '../webhooks/events';
import { toTypeId } from '../sql/ids';
import { resolveNotification, notifyAdmins } from '../notifications/notifications';
import { appendStreamEvent } from '../platform/change-feed';
import { enqueuePush } from '../platform/outbox';
import { sanitizeForPostgres } from '../sql/sanitize-text';
import type { Integration } from './integrations';
import { resumeWaitingRuns } from './waiting-runs';

interface IntegrationAtInstant {
  integrationId: string;
  now: Date;
}

/** So long a probe of a worker that died holds back the next one. */
const PROBE_LOCK_MS = 130_000;

const NO_OUTAGE = {
  outageSince: null,
  failedProbes: 0,
  isWriteOutage: false,
  unavailableRecords: [] as string[],
  blockedUntil: null,
  blockedReason: null,
  blockedDetail: null,
};

type ObstacleOfReads = Pick<Integration, 'blockedUntil' | 'blockedReason' | 'isWriteOutage'>;

/** Until when nothing is read; null = reads go on, also while only writes fail (rules.md 58). */
export const readsBlockedUntil = ({
  blockedUntil,
  blockedReason,
  isWriteOutage,
}: ObstacleOfReads): Date | null => (blockedReason === 'outage' && isWriteOutage ? null : blockedUntil);

/** The same of the row `integration`. */
export const readsBlockedUntilSql = sql<Date | null>`case
  when integration.blocked_reason = 'outage' and integration.is_write_outage then null
  else integration.blocked_until end`;

/**
 * The third party is unreachable: its `check` failed, or (`isWrite`) only pushes fail. @returns when to probe
 * it next.
 */
export async function markOutage(
  work: TenantWork,
  {
    integrationId,
    now,
    detail,
    limits,
    knownSince,
    isWrite = false,
  }: IntegrationAtInstant & {
    detail: string;
    limits: OutageLimits;
    /** The outage that the caller knew of before its call. */
    knownSince: Date | null;
    isWrite?: boolean;
  },
): Promise<Date> {
  const { trx, tenantId } = work;
  const row = await trx
    .selectFrom('integrations')
    .select(['outageSince', 'failedProbes', 'blockedUntil', 'blockedReason'])
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow();
  // The third party requested a pause before the outage, so it is not probed until the pause ends.
  if (row.blockedReason === 'rate_limit' && row.blockedUntil !== null && row.blockedUntil > now)
    return row.blockedUntil;
  // Calls that were in progress as it began find the same outage. None of them is a probe.
  if (row.blockedReason === 'outage' && row.blockedUntil !== null && knownSince === null)
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
      isWriteOutage: isWrite,
      unavailableRecords: [],
      blockedUntil,
      blockedReason: 'outage',
      blockedDetail: sanitizeForPostgres(detail),
    })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .execute();
  if (isUnreachableLongEnoughToFail(outageSince, now, limits))
    await notifyAdmins(work, { integrationId, kind: 'integration_unavailable', detail });
  await appendStreamEvent(work, { topic: 'integrations', body: { integration_id: integrationId } });
  return blockedUntil;
}

/**
 * Lets one of all workers and jobs that are due at this moment probe a third party that is down (rules.md
 * 11). The winner has two minutes. @param blockedUntil the integration's value when the caller read it.
 * @returns until when the probe is claimed; undefined = another has claimed it.
 */
export async function claimProbe(
  work: TenantWork,
  { integrationId, now, blockedUntil }: IntegrationAtInstant & { blockedUntil: Date },
): Promise<Date | undefined> {
  const claimedUntil = new Date(now.getTime() + PROBE_LOCK_MS);
  return (await moveProbe(work, { integrationId, from: blockedUntil, to: claimedUntil }))
    ? claimedUntil
    : undefined;
}

/** The probe said nothing about the third party: the next one is due at `retryAt`. */
export async function releaseProbe(
  work: TenantWork,
  { integrationId, claimedUntil, retryAt }: { integrationId: string; claimedUntil: Date; retryAt: Date },
): Promise<void> {
  await moveProbe(work, { integrationId, from: claimedUntil, to: retryAt });
}

async function moveProbe(
  { trx, tenantId }: TenantWork,
  { integrationId, from, to }: { integrationId: string; from: Date; to: Date },
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('integrations')
    .set({ blockedUntil: to })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('blockedUntil', '=', from)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/**
 * The `check` succeeds again. Where pushes wait, the first of them is the probe that ends the outage for all
 * of them; reads go on at once.
 */
export async function markAnswering(
  work: TenantWork,
  { integrationId, now }: IntegrationAtInstant,
): Promise<void> {
  const { trx, tenantId } = work;
  const { numUpdatedRows } = await trx
    .updateTable('integrations')
    .set({ isWriteOutage: true, blockedUntil: now })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('blockedReason', '=', 'outage')
    .where(hasDueRecordSyncs)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return markRecovered(work, { integrationId, now });
  await resumeWaitingRuns(work, { integrationId });
  await enqueuePush(work, { integrationId, nextDueAt: now });
  await appendStreamEvent(work, { topic: 'integrations', body: { integration_id: integrationId } });
}

const hasDueRecordSyncs = sql<boolean>`exists (
  select from record_syncs where record_syncs.tenant_id = integrations.tenant_id and
    record_syncs.integration_id = integrations.integration_id and next_due_at is not null)`;

/** The third party answers again. */
export async function markRecovered(
  work: TenantWork,
  { integrationId, now }: IntegrationAtInstant,
): Promise<void> {
  await work.trx
    .updateTable('integrations')
    .set({
      ...NO_OUTAGE,
      // The end of a pause says nothing about records that got no answer.
      unavailableRecords: sql`case when blocked_reason = 'outage' then '{}' else unavailable_records end`,
    })
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', integrationId)
    // A pause that the third party asked for still counts.
    .where(({ eb, or }) => or([eb('blockedReason', '=', 'outage'), eb('blockedUntil', '<=', now)]))
    .execute();
  await resumeWaitingRuns(work, { integrationId });
  await resolveNotification(work, { integrationId, kind: 'integration_unavailable', now });
  await appendStreamEvent(work, { topic: 'integrations', body: { integration_id: integrationId } });
}

/** The pause that the third party asked for is over. An outage before it is not: it is probed now. */
export async function endPause(
  work: TenantWork,
  { integrationId, now }: IntegrationAtInstant,
): Promise<void> {
  await sql`
    update integrations set
      blocked_until = case when outage_since is not null then ${now}::timestamptz end,
      blocked_reason = case when outage_since is not null then 'outage' end,
      blocked_detail = case when outage_since is not null then blocked_detail end
    where tenant_id = ${work.tenantId} and integration_id = ${integrationId}
      and blocked_reason = 'rate_limit' and blocked_until <= ${now}`.execute(work.trx);
  await resumeWaitingRuns(work, { integrationId });
  await appendStreamEvent(work, { topic: 'integrations', body: { integration_id: integrationId } });
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
    // It answers, so an outage is over.
    .set({ ...NO_OUTAGE, needsReauthorizationAt: now, blockedDetail: sanitizeForPostgres(detail) })
    .where('tenantId', '=', work.tenantId)
    .where('integrationId', '=', integrationId)
    .where('needsReauthorizationAt', 'is', null)
    .where(sql<boolean>`credentials_updated_at is not distinct from ${credentialsUpdatedAt}::timestamptz`)
    .executeTakeFirst();
  if (numUpdatedRows === 0n) return;
  await resolveNotification(work, { integrationId, kind: 'integration_unavailable', now });
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
