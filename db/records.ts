/** Records as they are read, with the state of their pairs. Writing them is `record-acceptance.ts`. */
import { type Expression, type Selectable, sql, type SqlBool } from 'kysely';
import type { TenantWork } from './database';
import type { PushesTable, RecordSyncsTable, RecordSyncStatus, RecordsTable } from './tables';

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

export interface RecordFilter {
  /** Words that must all stand in the external id or in a value of the fields, in part and in any case. */
  words?: readonly string[] | undefined;
  /** The record has a pair with this status (at this integration, where both are given). */
  status?: RecordSyncStatus | undefined;
  integrationId?: string | undefined;
}

interface RecordListing extends RecordFilter {
  recordType: string;
  limit: number;
  after?: string | undefined;
  withDeleted: boolean;
}

/** A filter looks at so many records at the most and then answers what it has, so that no search takes longer with more records. */
export const RECORDS_SEARCHED_MAX = 10_000;

/** By external id, after `after`. Deleted ones only when asked for. `searchedTo` names the last record looked at, where a filter stopped short. */
export async function listRecords({ trx, tenantId }: TenantWork, listing: RecordListing): Promise<{ rows: StoredRecord[]; searchedTo: string | undefined }> {
  const { recordType, limit, after, withDeleted } = listing;
  let walk = trx.selectFrom('records').where('tenantId', '=', tenantId).where('recordType', '=', recordType).orderBy('externalId');
  if (!withDeleted) walk = walk.where('deletedAt', 'is', null);
  if (after !== undefined) walk = walk.where('externalId', '>', after);
  const conditions = toConditions(tenantId, listing);
  if (conditions.length === 0) return { rows: await walk.select(COLUMNS).limit(limit).execute(), searchedTo: undefined };

  let matches = trx.selectFrom(walk.select(COLUMNS).limit(RECORDS_SEARCHED_MAX).as('record')).selectAll();
  for (const condition of conditions) matches = matches.where(condition);
  const rows = await matches.orderBy('externalId').limit(limit).execute();
  if (rows.length === limit) return { rows, searchedTo: undefined };
  const last = await walk
    .select('externalId')
    .offset(RECORDS_SEARCHED_MAX - 1)
    .limit(1)
    .executeTakeFirst();
  return { rows, searchedTo: last?.externalId };
}

function toConditions(tenantId: string, { words = [], status, integrationId }: RecordFilter): Expression<SqlBool>[] {
  const conditions = words.map(holdsWord);
  if (status === undefined && integrationId === undefined) return conditions;
  const ofStatus = status === undefined ? sql`` : sql`and pair.status = ${status}`;
  const ofIntegration = integrationId === undefined ? sql`` : sql`and pair.integration_id = ${integrationId}::uuid`;
  return [
    ...conditions,
    sql<SqlBool>`exists (select from record_syncs pair where pair.tenant_id = ${tenantId}::uuid and pair.record_id = record.record_id ${ofStatus} ${ofIntegration})`,
  ];
}

/** The text of all fields is looked at first: it holds names as well, but taking it apart for every record would take three times as long. */
function holdsWord(word: string): Expression<SqlBool> {
  const inJson = JSON.stringify(word).slice(1, -1);
  return sql<SqlBool>`(strpos(lower(record.external_id), lower(${word})) > 0
    or (strpos(lower(record.fields::text), lower(${inJson})) > 0
      and exists (select from jsonb_each_text(record.fields) field where strpos(lower(field.value), lower(${word})) > 0)))`;
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
