/**
 * How the pages of an overview are stored: a page's items, its counts and the job's checkpoint in one
 * transaction, so that a page counts once even if the list repeats it.
 */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { JsonObject } from '../../domain/json';
import type { OverviewAction } from '../../domain/overviews/overview';
import type { TenantWork } from '../database';
import { opaqueToPlanner, rowsFrom } from '../sql/bulk-rows';
import { newUuid } from '../sql/ids';
import { sanitizeForPostgres } from '../sql/sanitize-text';
import { changeOverviewJob, lockOverviewJob, type OverviewJob, type OverviewJobKey } from './overview-jobs';
import { isCanceled } from './overviews';

const REASON_LENGTH_MAX = 1_000;

/** One line of an overview: what a sync would do with one record. */
export interface NewItem {
  action: OverviewAction;
  recordId: string | null;
  externalId: string | null;
  remoteId: string | null;
  /** Version of the local record that was compared. */
  baseVersion: number | null;
  remoteHash: string | null;
  before: JsonObject | null;
  after: JsonObject | null;
  reason: string | null;
}

export function notPossible(item: Pick<NewItem, 'reason'> & Partial<NewItem>): NewItem {
  return {
    action: 'not_possible',
    recordId: null,
    externalId: null,
    remoteId: null,
    baseVersion: null,
    remoteHash: null,
    before: null,
    after: null,
    ...item,
  };
}

export interface PageCounts {
  items: readonly NewItem[];
  unchanged: number;
  read: number;
}

/** What one page contributes to an overview. */
export interface PageFindings extends PageCounts {
  /** Ids of the local records that the page shows to exist. */
  seen: readonly string[];
  remoteIds: readonly string[];
}

/** Where to continue after a page. */
export interface Checkpoint {
  cursor: string | null;
  isLast: boolean;
  total: number | null;
}

/**
 * The job after the step; undefined if it has ended, was canceled, or another worker has continued with it.
 */
export type StepResult = OverviewJob | undefined;

export async function lockForPage(
  work: TenantWork,
  key: OverviewJobKey,
  pagesBefore: number,
): Promise<StepResult> {
  const job = await lockOverviewJob(work, key);
  if (job === undefined || job.finishedAt !== null || job.pages !== pagesBefore) return undefined;
  return (await isCanceled(work, key)) ? undefined : job;
}

/** The caller has locked the job. */
export async function savePage(
  work: TenantWork,
  job: OverviewJob,
  { cursor, isLast, total }: Checkpoint,
  findings: PageFindings,
): Promise<StepResult> {
  const { trx, tenantId, now } = work;
  const { overviewId, recordType, direction } = job;
  const idsDigest = digestOf(findings.remoteIds);
  const isRepeated = idsDigest !== '' && (await hasPage(work, job, idsDigest));
  await trx
    .insertInto('overviewPages')
    .values({
      tenantId,
      overviewId,
      recordType,
      direction,
      page: job.pages,
      idsDigest,
      seen: isRepeated ? [] : [...findings.seen],
    })
    .execute();
  if (!isRepeated) await insertItems(work, job, findings.items);
  await addCounts(work, job, isRepeated ? { items: [], unchanged: 0, read: 0 } : findings);
  await changeOverviewJob(work, job, {
    cursor,
    pages: job.pages + 1,
    repeatedPages: isRepeated || idsDigest === '' ? job.repeatedPages + 1 : 0,
    expectedRecords: job.expectedRecords ?? total,
    readFinishedAt: isLast ? now : null,
    failingSince: null,
  });
  return lockOverviewJob(work, job);
}

/** Empty for an empty page. */
const digestOf = (ids: readonly string[]): string =>
  ids.length === 0 ? '' : createHash('sha256').update(JSON.stringify(ids)).digest('base64url').slice(0, 22);

async function hasPage(
  { trx, tenantId }: TenantWork,
  { overviewId, recordType, direction }: OverviewJobKey,
  idsDigest: string,
): Promise<boolean> {
  const row = await trx
    .selectFrom('overviewPages')
    .select('page')
    .where('tenantId', '=', tenantId)
    .where('overviewId', '=', overviewId)
    .where('recordType', '=', recordType)
    .where('direction', '=', direction)
    .where('idsDigest', '=', idsDigest)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

/** Adds to the counts that the locked job has. */
export async function addCounts(
  work: TenantWork,
  job: OverviewJob,
  { items, unchanged, read }: PageCounts,
): Promise<void> {
  const countOf = (action: OverviewAction): number => items.filter((item) => item.action === action).length;
  await changeOverviewJob(work, job, {
    recordsRead: job.recordsRead + read,
    creates: job.creates + countOf('create'),
    updates: job.updates + countOf('update'),
    deletes: job.deletes + countOf('delete'),
    notPossible: job.notPossible + countOf('not_possible'),
    unchanged: job.unchanged + unchanged,
  });
}

export async function insertItems(
  { trx, tenantId }: TenantWork,
  { overviewId, recordType, direction }: OverviewJobKey,
  items: readonly NewItem[],
): Promise<void> {
  if (items.length === 0) return;
  const rows = items.map((item) => ({
    item_id: newUuid(),
    action: item.action,
    record_id: item.recordId,
    external_id: item.externalId,
    remote_id: item.remoteId,
    base_version: item.baseVersion,
    remote_hash: item.remoteHash,
    before: sanitizeForPostgres(item.before),
    after: sanitizeForPostgres(item.after),
    reason: item.reason === null ? null : sanitizeForPostgres(item.reason).slice(0, REASON_LENGTH_MAX),
  }));
  const columns =
    'item_id uuid, action text, record_id uuid, external_id text, remote_id text, base_version bigint, ' +
    'remote_hash text, before jsonb, after jsonb, reason text';
  await sql`
    insert into overview_items (tenant_id, overview_id, overview_item_id, direction, record_type, action,
      record_id, external_id, remote_id, base_version, remote_hash, before, after, reason)
    select ${tenantId}::uuid, ${overviewId}::uuid, item_id, ${direction}, ${recordType}, action,
      record_id, external_id, remote_id, base_version, remote_hash, before, after, reason
    from ${rowsFrom(rows, columns)}`.execute(trx);
}

export interface LocalRecord {
  recordId: string;
  externalId: string;
  version: number;
  fields: JsonObject;
  isDeleted: boolean;
}

/** Without those that are being erased. */
export async function readLocalRecords(
  { trx, tenantId }: TenantWork,
  recordIds: readonly string[],
): Promise<LocalRecord[]> {
  if (recordIds.length === 0) return [];
  const { rows } = await sql<LocalRecord>`
    select record.* from unnest(${[...recordIds]}::uuid[]) as wanted(record_id)
    cross join lateral (
      select record_id, external_id, version, fields, deleted_at is not null as is_deleted
      from records where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = wanted.record_id
        and changed_by <> 'erasure' limit 1) record`.execute(trx);
  return rows;
}
