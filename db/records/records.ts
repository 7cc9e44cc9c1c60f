/** Reads records and the state of their syncs; accept-changes.ts writes them. */
import { type Expression, type Selectable, sql, type SqlBool } from 'kysely';
import { isOfExistingIntegration } from '../platform/background-tasks';
import { arrayParameter } from '../sql/binary-arrays';
import type { TenantWork } from '../database';
import { type WaitsFor, waitsForColumn } from './references/waits-for';
import { inIndexOrder } from '../sql/index-order';
import { opaqueToPlanner } from '../sql/bulk-rows';
import type { PushesTable, RecordSyncStatus, RecordSyncsTable, RecordsTable } from '../tables/records';

export type StoredRecord = Omit<Selectable<RecordsTable>, 'tenantId' | 'fieldVersions'>;
const COLUMNS = [
  'recordId',
  'recordType',
  'externalId',
  'version',
  'fields',
  'occurredAt',
  'changedAt',
  'changedBy',
  'deletedAt',
  'createdAt',
] as const;

/** Also finds a deleted record, whose last push may still be of interest. */
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

/** @returns the given ids of which a record exists. */
export async function findRecordIds(
  { trx, tenantId }: TenantWork,
  { recordType, externalIds }: { recordType: string; externalIds: readonly string[] },
): Promise<string[]> {
  const { rows } = await sql<{ recordId: string }>`
    select record.record_id from unnest(${arrayParameter(externalIds, 'text')}::text[]) as named(external_id)
    cross join lateral (
      select record_id from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_type = ${recordType}
        and external_id = named.external_id limit 1) record`.execute(trx);
  return rows.map(({ recordId }) => recordId);
}

interface RecordFilter {
  /** Words that must all occur in the external id or in field values, in part and in any case. */
  words?: readonly string[] | undefined;
  /** The record has a sync with this status, at this integration if both are given. */
  status?: RecordSyncStatus | undefined;
  integrationId?: string | undefined;
}

interface RecordListing extends RecordFilter {
  recordType: string;
  limit: number;
  after?: string | undefined;
  withDeleted: boolean;
}

/**
 * A filter examines at most this many records and then returns what it has found. So no search gets slower
 * with more records, and results appear while the rest is examined. A trigram index makes inserts 16 times as
 * slow, and row-level security forbids its use, because LIKE is not leakproof.
 */
export const RECORDS_SEARCHED_MAX = 2_500;
/**
 * Up to this many matching record syncs are looked up directly. With more, walking the list of records finds
 * the next page soon enough.
 */
const RECORD_SYNCS_SOUGHT_MAX = 2_000;

/**
 * By external id, after `after`; deleted records only if requested. `searchedTo` names the last record
 * examined if the filter stopped early.
 */
export async function listRecords(
  work: TenantWork,
  listing: RecordListing,
): Promise<{ rows: StoredRecord[]; searchedTo: string | undefined }> {
  const { words = [], status, integrationId, limit } = listing;
  const isOfRecordSyncs = status !== undefined || integrationId !== undefined;
  if (words.length === 0 && !isOfRecordSyncs)
    return {
      rows: await inIndexOrder(work, () => walkOf(work, listing).select(COLUMNS).limit(limit).execute()),
      searchedTo: undefined,
    };

  const few = isOfRecordSyncs ? await findFewRecordSyncs(work, listing) : undefined;
  return few === undefined
    ? walkRecords(work, listing)
    : { rows: await listRecordsAmong(work, listing, few), searchedTo: undefined };
}

function walkOf({ trx, tenantId }: TenantWork, { recordType, after, withDeleted }: RecordListing) {
  let walk = trx
    .selectFrom('records')
    .where('tenantId', '=', tenantId)
    .where('recordType', '=', recordType)
    .orderBy('externalId');
  if (!withDeleted) walk = walk.where('deletedAt', 'is', null);
  // The first page has a bound too. Without one PostgreSQL read and sorted all records of a tenant without
  // statistics (400 ms for 100,000).
  return walk.where('externalId', '>', after ?? '');
}

async function walkRecords(
  work: TenantWork,
  listing: RecordListing,
): Promise<{ rows: StoredRecord[]; searchedTo: string | undefined }> {
  const walk = walkOf(work, listing);
  let matches = work.trx
    .selectFrom(walk.select(COLUMNS).limit(RECORDS_SEARCHED_MAX).as('record'))
    .selectAll();
  for (const condition of [...(listing.words ?? []).map(holdsWord), ...hasRecordSync(work, listing)])
    matches = matches.where(condition);
  const page = matches.orderBy('externalId').limit(listing.limit);
  const rows = await inIndexOrder(work, () => page.execute());
  if (rows.length === listing.limit) return { rows, searchedTo: undefined };
  const last = await walk
    .select('externalId')
    .offset(RECORDS_SEARCHED_MAX - 1)
    .limit(1)
    .executeTakeFirst();
  return { rows, searchedTo: last?.externalId };
}

/**
 * The records with such a sync; undefined if there are many. May include others, because the status `synced`
 * is in no index.
 */
async function findFewRecordSyncs(
  { trx, tenantId }: TenantWork,
  { status, integrationId }: RecordFilter,
): Promise<string[] | undefined> {
  const isSought = status !== undefined && status !== 'synced';
  if (!isSought && integrationId === undefined) return undefined;
  let recordSyncs = trx
    .selectFrom('recordSyncs')
    .select('recordId')
    .where('tenantId', '=', opaqueToPlanner(tenantId))
    .where(isOfExistingIntegration(tenantId, 'integration_id'));
  if (integrationId !== undefined) recordSyncs = recordSyncs.where('integrationId', '=', integrationId);
  if (isSought) recordSyncs = recordSyncs.where('status', '=', status).where('status', '<>', 'synced');
  const found = await recordSyncs.limit(RECORD_SYNCS_SOUGHT_MAX + 1).execute();
  return found.length > RECORD_SYNCS_SOUGHT_MAX
    ? undefined
    : [...new Set(found.map(({ recordId }) => recordId))];
}

async function listRecordsAmong(
  work: TenantWork,
  listing: RecordListing,
  recordIds: readonly string[],
): Promise<StoredRecord[]> {
  const { recordType, after, withDeleted, limit, words = [] } = listing;
  let rows = work.trx
    .selectFrom(
      sql<StoredRecord>`(select record.* from unnest(${arrayParameter([...recordIds], 'uuid')}::uuid[])
        as wanted(record_id)
        cross join lateral (select * from records
          where tenant_id = ${opaqueToPlanner(work.tenantId)} and record_id = wanted.record_id
            limit 1) record)`.as('record'),
    )
    .select(COLUMNS)
    .where('recordType', '=', recordType);
  if (!withDeleted) rows = rows.where('deletedAt', 'is', null);
  if (after !== undefined) rows = rows.where('externalId', '>', after);
  for (const condition of [...words.map(holdsWord), ...hasRecordSync(work, listing)])
    rows = rows.where(condition);
  return rows.orderBy('externalId').limit(limit).execute();
}

/**
 * Looked up record by record, until the page is full. As a join, all record syncs of a tenant without
 * statistics were read once per record. `is not distinct from` avoids the index of statuses, in which the
 * record comes last.
 */
function hasRecordSync(
  { tenantId }: TenantWork,
  { status, integrationId }: RecordFilter,
): Expression<SqlBool>[] {
  if (status === undefined && integrationId === undefined) return [];
  const ofStatus = status === undefined ? sql`` : sql`and record_sync.status is not distinct from ${status}`;
  const ofIntegration =
    integrationId === undefined ? sql`` : sql`and record_sync.integration_id = ${integrationId}::uuid`;
  return [
    sql<SqlBool>`coalesce((select true from record_syncs record_sync
      where record_sync.tenant_id = ${opaqueToPlanner(tenantId)} and
        record_sync.record_id = record.record_id ${ofStatus} ${ofIntegration}
        and ${isOfExistingIntegration(tenantId, 'record_sync.integration_id')} limit 1), false)`,
  ];
}

/**
 * The whole text of the fields is searched first. It also contains field names, but unpacking every record
 * would take three times as long.
 */
function holdsWord(word: string): Expression<SqlBool> {
  const inJson = JSON.stringify(word).slice(1, -1);
  return sql<SqlBool>`(strpos(lower(record.external_id), lower(${word})) > 0
    or (strpos(lower(record.fields::text), lower(${inJson})) > 0
      and exists (select from jsonb_each_text(record.fields) field
        where strpos(lower(field.value), lower(${word})) > 0)))`;
}

type LastPush = Pick<
  Selectable<PushesTable>,
  'pushId' | 'result' | 'effect' | 'startedBecause' | 'startedAt' | 'finishedAt' | 'remoteId'
>;
export type RecordSyncSummary = Pick<
  Selectable<RecordSyncsTable>,
  | 'integrationId'
  | 'recordId'
  | 'status'
  | 'windowOpenedAt'
  | 'dueAt'
  | 'heldAt'
  | 'heldBy'
  | 'pushReviewId'
  | 'nextAttemptAt'
  | 'errors'
  | 'lastSyncedAt'
  | 'discardedAt'
  | 'discardedBy'
  | 'relevantVersion'
  | 'resultVersion'
> & { lastPush: LastPush | null; waitsFor: WaitsFor[] | null };

/** The syncs of these records, each with its latest finished push. */
export async function findRecordSyncsOfRecords(
  { trx, tenantId }: TenantWork,
  { recordIds }: { recordIds: readonly string[] },
): Promise<RecordSyncSummary[]> {
  if (recordIds.length === 0) return [];
  const rows = await trx
    .selectFrom('recordSyncs as recordSync')
    .leftJoin('pushes as push', (join) =>
      join
        .onRef('push.tenantId', '=', 'recordSync.tenantId')
        .onRef('push.pushId', '=', 'recordSync.lastPushId'),
    )
    .select([
      'recordSync.integrationId',
      'recordSync.recordId',
      'recordSync.status',
      'recordSync.windowOpenedAt',
      'recordSync.dueAt',
      'recordSync.heldAt',
      'recordSync.heldBy',
      'recordSync.pushReviewId',
      'recordSync.nextAttemptAt',
      'recordSync.errors',
      'recordSync.lastSyncedAt',
      'recordSync.discardedAt',
      'recordSync.discardedBy',
      'recordSync.relevantVersion',
      'recordSync.resultVersion',
      'push.pushId',
      'push.result',
      'push.effect',
      'push.startedBecause',
      'push.startedAt',
      'push.finishedAt',
      'push.remoteId',
      waitsForColumn(tenantId).as('waitsFor'),
    ])
    .where('recordSync.tenantId', '=', tenantId)
    .where(isOfExistingIntegration(tenantId, 'record_sync.integration_id'))
    .where('recordSync.recordId', 'in', [...recordIds])
    .orderBy('recordSync.integrationId')
    .execute();
  return rows.map(
    ({ pushId, result, effect, startedBecause, startedAt, finishedAt, remoteId, ...recordSync }) => ({
      ...recordSync,
      lastPush:
        pushId === null || startedBecause === null || startedAt === null
          ? null
          : { pushId, result, effect, startedBecause, startedAt, finishedAt, remoteId },
    }),
  );
}
