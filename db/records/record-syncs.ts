/** Record syncs as they are listed: the state of (record, integration) pairs. Acting on them is `record-sync-acts.ts`. */
import { type Selectable, sql } from 'kysely';
import type { TenantWork } from '../database';
import type { IntegrationsTable, RecordSyncStatus, RecordSyncsTable } from '../tables';

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
  | 'nextAttemptAt'
  | 'errors'
  | 'lastPushId'
  | 'lastSyncedAt'
> &
  Pick<Selectable<IntegrationsTable>, 'pausedAt' | 'needsReauthorizationAt' | 'blockedUntil' | 'blockedBecause'> & { recordType: string; externalId: string };

export interface RecordSyncFilter {
  status?: RecordSyncStatus | undefined;
  integrationId?: string | undefined;
  isHeld?: boolean | undefined;
}

/** By integration and record, after `after`. Pairs whose integration was deleted do not exist. */
export async function listRecordSyncs(
  { trx, tenantId }: TenantWork,
  { status, integrationId, isHeld, limit, after }: RecordSyncFilter & { limit: number; after?: { integrationId: string; recordId: string } | undefined },
): Promise<ListedRecordSync[]> {
  let query = trx
    .selectFrom('recordSyncs as pair')
    .innerJoin('records as record', (join) => join.onRef('record.tenantId', '=', 'pair.tenantId').onRef('record.recordId', '=', 'pair.recordId'))
    .select([
      'pair.integrationId',
      'pair.recordId',
      'pair.status',
      'pair.windowOpenedAt',
      'pair.dueAt',
      'pair.windowReason',
      'pair.windowFields',
      'pair.windowChangedBy',
      'pair.heldAt',
      'pair.heldBy',
      'pair.nextAttemptAt',
      'pair.errors',
      'pair.lastPushId',
      'pair.lastSyncedAt',
      'record.recordType',
      'record.externalId',
    ])
    .where('pair.tenantId', '=', tenantId);
  if (status !== undefined) query = query.where('pair.status', '=', status);
  if (integrationId !== undefined) query = query.where('pair.integrationId', '=', integrationId);
  if (isHeld !== undefined) query = query.where('pair.heldAt', isHeld ? 'is not' : 'is', null);
  if (after !== undefined) query = query.where(sql<boolean>`(pair.integration_id, pair.record_id) > (${after.integrationId}::uuid, ${after.recordId}::uuid)`);
  const page = query.orderBy('pair.integrationId').orderBy('pair.recordId').limit(limit).as('page');
  // Joined to the page and not before: the pairs stay read in the order of their index, whatever PostgreSQL makes of the integrations.
  return trx
    .selectFrom(page)
    .innerJoin('integrations as integration', (join) =>
      join.onRef('integration.integrationId', '=', 'page.integrationId').on('integration.tenantId', '=', tenantId),
    )
    .selectAll('page')
    .select(['integration.pausedAt', 'integration.needsReauthorizationAt', 'integration.blockedUntil', 'integration.blockedBecause'])
    .orderBy('page.integrationId')
    .orderBy('page.recordId')
    .execute();
}
