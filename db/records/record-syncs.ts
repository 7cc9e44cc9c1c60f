/** Lists record syncs. Actions on them are in record-sync-actions.ts. */
import { type Selectable, sql } from 'kysely';
import type { TenantWork } from '../database';
import { inIndexOrder } from '../sql/index-order';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { isOfExistingIntegration } from '../platform/background-tasks';
import type { IntegrationsTable } from '../tables/integrations';
import { type WaitsFor, waitsForColumn } from './references/waits-for';
import type { RecordSyncStatus, RecordSyncsTable } from '../tables/records';

export type ListedRecordSync = Pick<
  Selectable<RecordSyncsTable>,
  | 'integrationId'
  | 'recordId'
  | 'status'
  | 'windowOpenedAt'
  | 'dueAt'
  | 'windowReason'
  | 'windowFields'
  | 'windowChangedBy'
  | 'heldAt'
  | 'heldBy'
  | 'pushReviewId'
  | 'nextAttemptAt'
  | 'errors'
  | 'lastPushId'
  | 'lastSyncedAt'
> &
  Pick<
    Selectable<IntegrationsTable>,
    'pausedAt' | 'needsReauthorizationAt' | 'blockedUntil' | 'blockedReason' | 'unverifiedTypes'
  > & { recordType: string; externalId: string; waitsFor: WaitsFor[] | null };

const COLUMNS = [
  'recordSync.integrationId',
  'recordSync.recordId',
  'recordSync.status',
  'recordSync.windowOpenedAt',
  'recordSync.dueAt',
  'recordSync.windowReason',
  'recordSync.windowFields',
  'recordSync.windowChangedBy',
  'recordSync.heldAt',
  'recordSync.heldBy',
  'recordSync.pushReviewId',
  'recordSync.nextAttemptAt',
  'recordSync.errors',
  'recordSync.lastPushId',
  'recordSync.lastSyncedAt',
  'record.recordType',
  'record.externalId',
] as const;

export interface RecordSyncFilter {
  status?: RecordSyncStatus | undefined;
  integrationId?: string | undefined;
  isHeld?: boolean | undefined;
}

/** By integration and record, after `after`. */
export async function listRecordSyncs(
  work: TenantWork,
  {
    status,
    integrationId,
    isHeld,
    limit,
    after,
  }: RecordSyncFilter & { limit: number; after?: { integrationId: string; recordId: string } | undefined },
): Promise<ListedRecordSync[]> {
  const { trx, tenantId } = work;
  let query = trx
    .selectFrom('recordSyncs as recordSync')
    .innerJoinLateral(
      // One at a time, in the order of the page.
      (from) =>
        from
          .selectFrom('records')
          .select(['recordType', 'externalId'])
          .where('tenantId', '=', opaqueToPlanner(tenantId))
          .whereRef('recordId', '=', 'recordSync.recordId')
          .limit(1)
          .as('record'),
      (join) => join.onTrue(),
    )
    .select(COLUMNS)
    .select(waitsForColumn(tenantId).as('waitsFor'))
    .where('recordSync.tenantId', '=', tenantId)
    .where(isOfExistingIntegration(tenantId, 'record_sync.integration_id'));
  if (status !== undefined) query = query.where('recordSync.status', '=', status);
  if (integrationId !== undefined) query = query.where('recordSync.integrationId', '=', integrationId);
  if (isHeld !== undefined) query = query.where('recordSync.heldAt', isHeld ? 'is not' : 'is', null);
  if (after !== undefined)
    query = query.where(
      sql<boolean>`(record_sync.integration_id, record_sync.record_id) > (${after.integrationId}::uuid,
        ${after.recordId}::uuid)`,
    );
  const page = query
    .orderBy('recordSync.integrationId')
    .orderBy('recordSync.recordId')
    .limit(limit)
    .as('page');
  // Integrations are joined to the finished page. So record syncs are read in the order of their index,
  // whatever PostgreSQL estimates for integrations.
  const withIntegrations = trx
    .selectFrom(page)
    .innerJoin('integrations as integration', (join) =>
      join
        .onRef('integration.integrationId', '=', 'page.integrationId')
        .on('integration.tenantId', '=', tenantId),
    )
    .selectAll('page')
    .select([
      'integration.pausedAt',
      'integration.needsReauthorizationAt',
      'integration.blockedUntil',
      'integration.blockedReason',
      'integration.unverifiedTypes',
    ])
    .orderBy('page.integrationId')
    .orderBy('page.recordId');
  return inIndexOrder(work, () => withIntegrations.execute());
}
