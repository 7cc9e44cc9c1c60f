/**
 * Lists of open drifts. A drift that has ended is stored until the next pass, so a page examines a bounded
 * number of them (rules.md 60).
 */
import { type RawBuilder, sql } from 'kysely';
import type { TenantWork } from '../database';
import { isOfExistingIntegration } from '../platform/background-tasks';
import { idList, opaqueToPlanner } from '../sql/bulk-rows';
import { readExamined } from '../sql/examined-page';
import { inIndexOrder } from '../sql/index-order';
import type { Drift } from './drifts';

/** Twice the drifts that a record may have. */
export const DRIFTS_EXAMINED_MAX = 2_000;

export interface DriftPosition {
  integrationId: string;
  recordId: string;
  place: string;
}

interface DriftFilter {
  /** Absent: all. */
  integrationId?: string | undefined;
  recordIds?: readonly string[] | undefined;
  recordType?: string | undefined;
  afterRecordId?: string | undefined;
  after?: DriftPosition | undefined;
}

interface DriftPage {
  drifts: Drift[];
  /** The last drift that was examined, if `limit` was not reached; undefined = there are no more. */
  examinedTo: DriftPosition | undefined;
}

/** By integration and record. A push of the record, or the loss of its link, ends its drifts. */
export async function listDrifts(
  work: TenantWork,
  { limit, ...filter }: DriftFilter & { limit: number },
): Promise<DriftPage> {
  const tenantId = opaqueToPlanner(work.tenantId);
  const stored = storedDrifts(work, filter);
  const columns = ['integration_id', 'record_id', 'place'].slice(filter.integrationId === undefined ? 0 : 1);
  const order = sql.join(columns.map((column) => sql.ref(column)));
  const open = sql<Drift>`
    select drift.integration_id, drift.record_id, drift.record_type, drift.place, drift.expected, drift.found,
      drift.found_at, record.external_id
    from (select * from ${stored} order by ${order} limit ${DRIFTS_EXAMINED_MAX}) drift
    -- One at a time, in the order of the page.
    cross join lateral (
      select external_id from records
      where tenant_id = ${tenantId} and record_id = drift.record_id and deleted_at is null limit 1) record
    cross join lateral (
      select from record_links
      where tenant_id = ${tenantId} and integration_id = drift.integration_id
        and record_id = drift.record_id and not is_deactivated and updated_at <= drift.seen_at limit 1) link
    where ${isOfExistingIntegration(work.tenantId, 'drift.integration_id')}
      ${filter.recordType === undefined ? sql`` : sql`and drift.record_type = ${filter.recordType}`}
    order by ${sql.join(columns.map((column) => sql.ref(`drift.${column}`)))} limit ${limit}`;
  const end = sql<DriftPosition>`
    select jsonb_build_object('integrationId', integration_id, 'recordId', record_id, 'place', place)
    from ${stored} order by ${order} offset ${DRIFTS_EXAMINED_MAX - 1} limit 1`;
  // A page of all that were examined says where it ended, too.
  const isFullAt = limit < DRIFTS_EXAMINED_MAX ? limit : limit + 1;
  const { rows, examinedTo } = await readExamined(work, { page: open, end, limit: isFullAt });
  return { drifts: rows, examinedTo };
}

function storedDrifts(
  { tenantId }: TenantWork,
  { integrationId, recordIds, afterRecordId, after }: DriftFilter,
): RawBuilder<unknown> {
  const conditions = [sql`tenant_id = ${opaqueToPlanner(tenantId)}`];
  if (integrationId !== undefined) conditions.push(sql`integration_id = ${opaqueToPlanner(integrationId)}`);
  // The key of the table begins with the integration.
  else if (recordIds !== undefined)
    conditions.push(
      sql`integration_id = any(array(select integration_id from integrations where tenant_id = ${tenantId}))`,
    );
  if (recordIds !== undefined) conditions.push(sql`record_id = any(${idList(recordIds)})`);
  if (afterRecordId !== undefined) conditions.push(sql`record_id > ${afterRecordId}::uuid`);
  if (after !== undefined)
    conditions.push(
      sql`(integration_id, record_id, place) > (${after.integrationId}::uuid, ${after.recordId}::uuid, ${after.place})`,
    );
  return sql`drifts where ${sql.join(conditions, sql` and `)}`;
}

/** The last record with drifts before this one. Not all drifts of this one may have been examined. */
export async function findRecordBefore(
  work: TenantWork,
  { integrationId, recordId }: Pick<DriftPosition, 'integrationId' | 'recordId'>,
): Promise<string | undefined> {
  const before = sql<{ recordId: string }>`
    select record_id from drifts
    where tenant_id = ${opaqueToPlanner(work.tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
      and record_id < ${recordId}::uuid
    order by record_id desc, place desc limit 1`;
  const { rows } = await inIndexOrder(work, () => before.execute(work.trx));
  return rows[0]?.recordId;
}
