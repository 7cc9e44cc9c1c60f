/**
 * Sync Now (rules.md 21, 22): a run that pulls and then pushes, afresh or exactly what an overview showed. A
 * second request for the same work shares the run.
 */
import type { TenantWork } from '../database';
import { newUuid } from '../sql/ids';
import { lockIntegration } from '../integrations/integrations';
import { lockOverview } from '../overviews/overviews';
import { invalidateOverviewsOf } from '../overviews/invalidate-overviews';
import type { Requester } from '../overviews/overview-lifecycle';
import { datasetsOf } from '../../domain/records/mapping-directions';
import { insertSyncNow } from './sync-run-requests';

export type SyncNowAnswer =
  | { kind: 'accepted'; syncRunId: string; isShared: boolean }
  | { kind: 'integration_gone' }
  | { kind: 'nothing_to_sync' }
  /** The overview does not exist, is not ready, or is no longer valid. */
  | { kind: 'overview_unusable' };

export async function requestSyncNow(
  work: TenantWork,
  { integrationId, overviewId, ...by }: { integrationId: string; overviewId: string | null } & Requester,
): Promise<SyncNowAnswer> {
  const integration = await lockIntegration(work, { integrationId });
  if (integration === undefined) return { kind: 'integration_gone' };
  if (datasetsOf(integration.recordTypes, ['pull', 'push']).length === 0) return { kind: 'nothing_to_sync' };
  if (overviewId !== null) return applyOverview(work, { integrationId, overviewId, ...by });

  const open = await findOpenSyncNow(work, { integrationId });
  if (open !== undefined) return { kind: 'accepted', syncRunId: open, isShared: true };
  const syncRunId = newUuid();
  await insertSyncNow(work, { syncRunId, integrationId, overviewId: null, startedBy: by.requestedBy });
  await invalidateOverviewsOf(work, {
    integrationId,
    reason: 'superseded_by_sync',
    by: by.requestedBy,
    replacedBySyncRunId: syncRunId,
  });
  return { kind: 'accepted', syncRunId, isShared: false };
}

async function applyOverview(
  work: TenantWork,
  { integrationId, overviewId, requestedBy }: { integrationId: string; overviewId: string } & Requester,
): Promise<SyncNowAnswer> {
  const { trx, tenantId } = work;
  const overview = await lockOverview(work, { overviewId });
  if (overview === undefined || overview.integrationId !== integrationId)
    return { kind: 'overview_unusable' };
  if (overview.invalidAt === null && overview.appliedSyncRunId !== null)
    return { kind: 'accepted', syncRunId: overview.appliedSyncRunId, isShared: true };
  if (
    overview.state !== 'ready' ||
    overview.invalidAt !== null ||
    (overview.expiresAt !== null && overview.expiresAt <= work.now)
  )
    return { kind: 'overview_unusable' };
  const syncRunId = newUuid();
  await insertSyncNow(work, { syncRunId, integrationId, overviewId, startedBy: requestedBy });
  // From now on only the end of the run makes the overview invalid; it no longer expires.
  await trx
    .updateTable('overviews')
    .set({ appliedSyncRunId: syncRunId, expiresAt: null })
    .where('tenantId', '=', tenantId)
    .where('overviewId', '=', overviewId)
    .execute();
  return { kind: 'accepted', syncRunId, isShared: false };
}

/**
 * A run that computes afresh and is not canceled. Locked, so that a requester who joins is notified of its
 * end.
 */
async function findOpenSyncNow(
  { trx, tenantId }: TenantWork,
  { integrationId }: { integrationId: string },
): Promise<string | undefined> {
  const row = await trx
    .selectFrom('syncRuns')
    .select('syncRunId')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('kind', '=', 'sync_now')
    .where('overviewId', 'is', null)
    .where('state', 'in', ['queued', 'running', 'waiting'])
    .where('cancelRequestedAt', 'is', null)
    .forUpdate()
    .executeTakeFirst();
  return row?.syncRunId;
}
