/** Records as they are read, with the state of their pairs. Writing them is `record-acceptance.ts`. */
import type { Selectable } from 'kysely';
import type { TenantWork } from './database';
import type { PushesTable, RecordSyncsTable, RecordsTable } from './tables';

export type StoredRecord = Omit<Selectable<RecordsTable>, 'tenantId'>;
const COLUMNS = ['recordId', 'recordType', 'externalId', 'version', 'fields', 'occurredAt', 'changedAt', 'changedBy', 'deletedAt', 'createdAt'] as const;

/** A deleted record is found too: its last push may still have to be looked at. */
export async function findRecord(
  { trx, tenantId }: TenantWork,
  { recordType, externalId }: { recordType: string; externalId: string },
): Promise<StoredRecord | undefined> {
  return trx
    .selectFrom('records')
    .select(COLUMNS)
    .where('tenantId', '=', tenantId)
    .where('recordType', '=', recordType)
    .where('externalId', '=', externalId)
    .executeTakeFirst();
}

/** By external id, after `after`. Deleted ones only when asked for. */
export async function listRecords(
  { trx, tenantId }: TenantWork,
  { recordType, limit, after, withDeleted }: { recordType: string; limit: number; after?: string | undefined; withDeleted: boolean },
): Promise<StoredRecord[]> {
  let query = trx.selectFrom('records').select(COLUMNS).where('tenantId', '=', tenantId).where('recordType', '=', recordType);
  if (!withDeleted) query = query.where('deletedAt', 'is', null);
  if (after !== undefined) query = query.where('externalId', '>', after);
  return query.orderBy('externalId').limit(limit).execute();
}

type LastPush = Pick<Selectable<PushesTable>, 'pushId' | 'result' | 'effect' | 'startedBecause' | 'startedAt' | 'finishedAt' | 'remoteId'>;
export type RecordPair = Pick<
  Selectable<RecordSyncsTable>,
  | 'integrationId'
  | 'recordId'
  | 'status'
  | 'windowOpenedAt'
  | 'dueAt'
  | 'heldAt'
  | 'heldBy'
  | 'nextAttemptAt'
  | 'errors'
  | 'lastSyncedAt'
  | 'discardedAt'
  | 'discardedBy'
  | 'relevantVersion'
  | 'concludedVersion'
> & { lastPush: LastPush | null };

/** The pairs of these records, with the newest concluded push of each. */
export async function findPairsOfRecords({ trx, tenantId }: TenantWork, { recordIds }: { recordIds: readonly string[] }): Promise<RecordPair[]> {
  if (recordIds.length === 0) return [];
  const rows = await trx
    .selectFrom('recordSyncs as pair')
    .leftJoin('pushes as push', (join) => join.onRef('push.tenantId', '=', 'pair.tenantId').onRef('push.pushId', '=', 'pair.lastPushId'))
    .select([
      'pair.integrationId',
      'pair.recordId',
      'pair.status',
      'pair.windowOpenedAt',
      'pair.dueAt',
      'pair.heldAt',
      'pair.heldBy',
      'pair.nextAttemptAt',
      'pair.errors',
      'pair.lastSyncedAt',
      'pair.discardedAt',
      'pair.discardedBy',
      'pair.relevantVersion',
      'pair.concludedVersion',
      'push.pushId',
      'push.result',
      'push.effect',
      'push.startedBecause',
      'push.startedAt',
      'push.finishedAt',
      'push.remoteId',
    ])
    .where('pair.tenantId', '=', tenantId)
    .where('pair.recordId', 'in', [...recordIds])
    .orderBy('pair.integrationId')
    .execute();
  return rows.map(({ pushId, result, effect, startedBecause, startedAt, finishedAt, remoteId, ...pair }) => ({
    ...pair,
    lastPush:
      pushId === null || startedBecause === null || startedAt === null ? null : { pushId, result, effect, startedBecause, startedAt, finishedAt, remoteId },
  }));
}
