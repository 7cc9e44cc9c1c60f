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
  const isGenerated = overview.state === 'ready' || overview.state === 'failed';
  await trx
    .updateTable('overviews')
    .set({
      state: isGenerated ? overview.state : 'canceled',
      invalidAt: now,
      invalidReason: reason,
      invalidBy: by,
      replacedByOverviewId: replacedByOverviewId ?? null,
      replacedBySyncRunId: replacedBySyncRunId ?? null,
    })
    .where('tenantId', '=', tenantId)
    .where('overviewId', '=', overview.overviewId)
    .execute();
  if (!isGenerated)
    await endOperations(work, {
      integrationId: overview.integrationId,
      overviewId: overview.overviewId,
      outcome: 'canceled',
      reason,
    });
  await enqueue(work, { topic: 'overview', overviewId: overview.overviewId, nextDueAt: now });
  await announceOverview(work, overview);
}

/** Invalidates the integration's valid overview after a Sync Now, or when the integration is deleted. */
export async function invalidateOverviewsOf(
  work: TenantWork,
  { integrationId, ...why }: { integrationId: string } & Invalidation,
): Promise<void> {
  const valid = await lockValidOverview(work, { integrationId });
  if (valid !== undefined) await invalidate(work, valid, why);
}

/**
 * Called when a Sync Now has ended. An overview generated during the run mixes the states before and after
 * it, so it is invalid.
 */
export async function invalidateOverviewsReadDuring(
  work: TenantWork,
  { syncRunId, integrationId, by }: { syncRunId: string; integrationId: string; by: string },
): Promise<void> {
  const valid = await lockValidOverview(work, { integrationId });
  if (valid !== undefined && valid.state !== 'queued')
    await invalidate(work, valid, { reason: 'superseded_by_sync', by, replacedBySyncRunId: syncRunId });
}

/** Invalidates the overview that a run applied, once the run has ended, completely or early. */
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

/** Expires an overview that is still valid after its 7 days. */
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
