/**
 * Records met for the first time: a first pass writes its pages as new ones without looking any of them up (docs/decisions/0017).
 * What that takes can be made before the page's transaction, while the database still writes the page before.
 */
import { type RawBuilder, sql } from 'kysely';
import type { TenantWork } from '../database';
import { newUuid } from '../sql/ids';
import { type MergedPage, newDraft } from './merge-page';
import { type NewRecord, rowsOfNew } from './insert-new-records';
import { externalIdsOf } from './match-records';
import type { PageToApply } from './apply-page';

export interface BulkInsert {
  records: readonly NewRecord[];
  /** The same in the database's words. */
  rows: RawBuilder<unknown>;
}

type UnappliedPage = Pick<
  PageToApply,
  'integration' | 'recordType' | 'overviewId' | 'records' | 'tombstones' | 'refused'
>;

/** Nothing about it has to be looked up but whether it is there: it can be no record of ours, and means nothing but itself. */
export function canBulkInsert({
  integration,
  recordType,
  overviewId,
  records,
  tombstones,
  refused,
}: UnappliedPage): boolean {
  const mapping = integration.recordTypes[recordType];
  if (mapping?.direction !== 'pull' || mapping.matchBy !== undefined || overviewId != null) return false;
  return (
    tombstones.length === 0 && refused.length === 0 && records.every(({ externalId }) => externalId === null)
  );
}

/** A plain page as it is written if nothing of it is here. */
export function prepareBulkInsert(page: Pick<PageToApply, 'records'>): BulkInsert {
  const records = page.records.map((remote): NewRecord => ({ recordId: newUuid(), remote, agreed: null }));
  return { records, rows: rowsOfNew(records) };
}

export function mergeUnmatched(
  work: TenantWork,
  page: Pick<PageToApply, 'integration' | 'recordType'>,
  { records }: BulkInsert,
): MergedPage {
  const externalIdOf = externalIdsOf(page);
  return {
    drafts: records.map((record) => newDraft(work, page.recordType, externalIdOf, record)),
    unchanged: [],
    conflicts: [],
    refused: [],
  };
}

/** No record of the type is linked, and none was before: what comes now is met for the first time. */
export async function hasNoLinks(
  { trx, tenantId }: TenantWork,
  { integration: { integrationId }, recordType }: Pick<PageToApply, 'integration' | 'recordType'>,
): Promise<boolean> {
  const { rows } = await sql<{ hasNoLinks: boolean }>`
    select not exists (select from sync_datasets
        where tenant_id = ${tenantId} and integration_id = ${integrationId} and record_type = ${recordType} and initial_state = 'succeeded')
      and not exists (select from record_links where tenant_id = ${tenantId} and integration_id = ${integrationId} and record_type = ${recordType}) as has_no_links`.execute(
    trx,
  );
  return rows[0]?.hasNoLinks ?? false;
}
