/**
 * Applies one page of an initial load: all its records are inserted as new ones without looking for existing
 * records (docs/decisions/0017). A unique index rejects the page if one of them exists; it is then applied by
 * `applyPage`.
 */
import { type RawBuilder, sql } from 'kysely';
import type { TenantWork } from '../database';
import { requireNoneErased } from '../records/erased-records';
import { countCreated, requireRoom } from '../records/record-counts';
import { arrayParameter } from '../sql/binary-arrays';
import { newUuid } from '../sql/ids';
import { countGrowth } from './growth';
import { emitPageEvents } from './page-stages/emit-page-events';
import { newDraft } from './page-stages/new-draft';
import { openPage } from './page-stages/open-page';
import {
  pullAuthor,
  type AppliedPage,
  type CreatingPage,
  type NewRecord,
  type PageChanges,
  type PageToApply,
  type PassKey,
} from './page';
import { saveCheckpoint } from './page-stages/save-checkpoint';
import { updatePageRecordSyncs } from './page-stages/update-page-record-syncs';
import { encodeNewRecords, insertNewRecords } from './page-stages/write-page-records';

/** The records of a page as new ones, encoded ahead of the page's transaction. */
export interface BulkInsert {
  records: readonly NewRecord[];
  rows: RawBuilder<unknown>;
  /** The ids of the records, encoded. */
  ids: Buffer;
}

type InsertablePage = Pick<PageToApply, 'mapping' | 'overviewId' | 'records' | 'tombstones' | 'refused'>;

/**
 * True if no record of the page can match a local one: the type is pull-only, without `match_by`, and no
 * record has an id of Syncline.
 */
export function canBulkInsert({
  mapping,
  overviewId,
  records,
  tombstones,
  refused,
}: InsertablePage): boolean {
  if (mapping.direction !== 'pull' || mapping.matchBy !== undefined || overviewId !== null) return false;
  return (
    tombstones.length === 0 &&
    refused.length === 0 &&
    records.every(({ externalId, promises = [] }) => externalId === null && promises.length === 0)
  );
}

export function prepareBulkInsert({ records: remoteRecords }: Pick<PageToApply, 'records'>): BulkInsert {
  const records = remoteRecords.map((remote): NewRecord => ({
    recordId: newUuid(),
    remote,
    agreed: null,
    notation: null,
  }));
  const recordIds = records.map(({ recordId }) => recordId);
  return { records, rows: encodeNewRecords(records), ids: arrayParameter(recordIds, 'uuid') };
}

/**
 * True if no record of the type is linked to the integration, and no full pass over it has ever succeeded.
 */
export async function isInitialLoad(
  { trx, tenantId }: TenantWork,
  { integrationId, recordType }: PassKey,
): Promise<boolean> {
  const { rows } = await sql<{ isInitialLoad: boolean }>`
    select not exists (
        select from sync_datasets
        where tenant_id = ${tenantId} and integration_id = ${integrationId} and record_type = ${recordType}
          and initial_state = 'succeeded')
      and not exists (
        select from record_links
        where tenant_id = ${tenantId} and integration_id = ${integrationId} and record_type = ${recordType})
      as is_initial_load`.execute(trx);
  return rows[0]?.isInitialLoad ?? false;
}

/**
 * @param prefetchNext see `applyPage`. Called while PostgreSQL inserts, its longest statement.
 * @throws `ConcurrentTransaction` if one of the records exists or was erased, `RecordLimitReached`.
 */
export async function applyInitialPage(
  work: TenantWork,
  page: CreatingPage,
  { records, rows, ids }: BulkInsert,
  prefetchNext: () => unknown = () => undefined,
): Promise<AppliedPage> {
  const open = await openPage(work, page);
  if (open === undefined) return { kind: 'stopped' };
  if (open.hasErased) await requireNoneErased(work, page);
  const changes: PageChanges = {
    drafts: records.map((record) => newDraft(page, record, work.now)),
    unchanged: [],
    leftOut: 0,
    conflicts: [],
    errors: [],
    heldBack: [],
    alsoSeen: [],
    unknownTombstones: 0,
    hasKnownTombstones: false,
  };
  await requireRoom(work, page, records.length);
  if (open.isCounted) await countGrowth(work, page, records.length);
  const author = pullAuthor(page);
  const inserting = records.length > 0 ? insertNewRecords(work, page, rows, author.actor) : undefined;
  if (!open.isInterrupted) prefetchNext();
  await inserting;
  const opensWindows = await updatePageRecordSyncs(work, page, changes, { author, isShared: open.isShared });
  const job = await saveCheckpoint(work, page, open, changes, { isInitialLoad: true, ids });
  await emitPageEvents(work, page, open, changes, { opensWindows });
  await countCreated(
    work,
    changes.drafts.map(({ draft }) => draft),
  );
  return { kind: 'applied', job, isInterrupted: open.isInterrupted };
}
