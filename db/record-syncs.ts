/** Record syncs as they are listed: the state of (record, integration) pairs. Acting on them is `record-sync-acts.ts`. */
import { type Selectable, sql } from 'kysely';
import type { TenantWork } from './database';
import type { RecordSyncStatus, RecordSyncsTable } from './tables';

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
> & { recordType: string; externalId: string };

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
  return query.orderBy('pair.integrationId').orderBy('pair.recordId').limit(limit).execute();
}
