/**
 * How an overview becomes invalid (rules.md 19): a newer one was accepted, a Sync Now ran, its integration
 * was deleted, or 7 days have passed.
 */
import type { OverviewInvalidity } from '../../domain/overviews/overview';
import type { TenantWork } from '../database';
import { endOperations } from '../notifications/operations';
import { enqueue } from '../platform/outbox';
import {
  announceOverview,
  lockOverview,
  lockValidOverview,
  type Overview,
  type OverviewKey,
} from './overviews';

export interface Invalidation {
  reason: OverviewInvalidity;
  by: string;
  replacedByOverviewId?: string;
  replacedBySyncRunId?: string;
}

/** In any state: generation stops, and the requester is notified of the reason. */
export async function invalidate(
  work: TenantWork,
  overview: Overview,
  { reason, by, replacedByOverviewId, replacedBySyncRunId }: Invalidation,
): Promise<void> {
  const { trx, tenantId, now } = work;
  const isMade = overview.state === 'ready' || overview.state === 'failed';
  await trx
    .updateTable('overviews')
    .set({
      state: isMade ? overview.state : 'canceled',
      invalidAt: now,
      invalidReason: reason,
      invalidBy: by,
      replacedByOverviewId: replacedByOverviewId ?? null,
      replacedBySyncRunId: replacedBySyncRunId ?? null,
    })
    .where('tenantId', '=', tenantId)
    .where('overviewId', '=', overview.overviewId)
    .execute();
  if (!isMade)
    await endOperations(work, {
      integrationId: overview.integrationId,
      overviewId: overview.overviewId,
      outcome: 'canceled',
      reason,
    });
  await enqueue(work, { topic: 'overview', overviewId: overview.overviewId, nextDueAt: now });
  await announceOverview(work, overview);
}

/** A Sync Now ran, or the integration is gone: what was seen before no longer holds. */
export async function invalidateOverviewsOf(
  work: TenantWork,
  { integrationId, ...why }: { integrationId: string } & Invalidation,
): Promise<void> {
  const valid = await lockValidOverview(work, { integrationId });
  if (valid !== undefined) await invalidate(work, valid, why);
}

/**
 * A Sync Now has ended. What was read while it was at work is partly what was there before and partly what is
 * there now.
 */
export async function invalidateOverviewsReadDuring(
  work: TenantWork,
  { syncRunId, integrationId, by }: { syncRunId: string; integrationId: string; by: string },
): Promise<void> {
  const valid = await lockValidOverview(work, { integrationId });
  if (valid !== undefined && valid.state !== 'queued')
    await invalidate(work, valid, { reason: 'superseded_by_sync', by, replacedBySyncRunId: syncRunId });
}

/** The run that applied it has ended: as it should, or before it was through. */
export async function endApplied(
  work: TenantWork,
  { syncRunId, by, isApplied }: { syncRunId: string; by: string; isApplied: boolean },
): Promise<void> {
  const { trx, tenantId } = work;
  const applied = await trx
    .selectFrom('overviews')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('appliedSyncRunId', '=', syncRunId)
    .where('invalidAt', 'is', null)
    .forUpdate()
    .executeTakeFirst();
  if (applied !== undefined)
    await invalidate(work, applied, {
      reason: isApplied ? 'applied' : 'superseded_by_sync',
      by,
      replacedBySyncRunId: syncRunId,
    });
}

/** Its time is up, if it still was valid. */
export async function expireOverview(work: TenantWork, place: OverviewKey): Promise<void> {
  const overview = await lockOverview(work, place);
  if (
    overview?.invalidAt === null &&
    overview.appliedSyncRunId === null &&
    overview.expiresAt !== null &&
    overview.expiresAt <= work.now
  )
    await invalidate(work, overview, { reason: 'expired', by: 'syncline' });
}
