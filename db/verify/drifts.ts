/** Open differences between what was pushed and what the third party holds (rules.md 54). */
import { type Selectable, sql } from 'kysely';
import type { JsonValue } from '../../domain/json';
import type { TenantWork } from '../database';
import { inIndexOrder } from '../sql/index-order';
import { opaqueToPlanner, rowsFrom } from '../sql/bulk-rows';
import { isOfExistingIntegration } from '../platform/background-tasks';
import type { DriftsTable } from '../tables/pull';

export interface Verification {
  integrationId: string;
  syncRunId: string;
  /** The job's name; `recordType` is the type's. */
  job: string;
  recordType: string;
}

/** The place of a drift that is about the whole record: the third party no longer has it. */
export const MISSING_THERE = '';

/** More than the fields of any mapping. */
export const DRIFTS_OF_RECORD_MAX = 1_000;

export interface NewDrift {
  recordId: string;
  place: string;
  expected: JsonValue;
  found: JsonValue;
}

export type Drift = Omit<Selectable<DriftsTable>, 'tenantId' | 'seenAt' | 'syncRunId'> & {
  externalId: string;
};

/** What is known of the compared records is replaced; a drift that was known keeps its time. */
export async function replaceDrifts(
  { trx, tenantId, now }: TenantWork,
  { integrationId, recordType, syncRunId }: Omit<Verification, 'job'>,
  { recordIds, drifts }: { recordIds: readonly string[]; drifts: readonly NewDrift[] },
): Promise<void> {
  if (recordIds.length === 0) return;
  const rows = drifts.map(({ recordId, ...drift }) => ({ record_id: recordId, ...drift }));
  await sql`
    delete from drifts
    where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
      and record_id = any(${[...recordIds]}::uuid[])
      and (record_id, place) not in (select record_id, place from ${rowsFrom(rows, 'record_id uuid, place text')})`.execute(
    trx,
  );
  if (rows.length === 0) return;
  await sql`
    insert into drifts as known
      (tenant_id, integration_id, record_id, record_type, place, expected, found, found_at, seen_at, sync_run_id)
    select ${tenantId}::uuid, ${integrationId}::uuid, record_id, ${recordType}, place, expected, found,
      ${now}::timestamptz, ${now}::timestamptz, ${syncRunId}::uuid
    from ${rowsFrom(rows, 'record_id uuid, place text, expected jsonb, found jsonb')}
    order by record_id, place
    on conflict (tenant_id, integration_id, record_id, place) do update set
      expected = excluded.expected, found = excluded.found, seen_at = excluded.seen_at`.execute(trx);
}

export interface DriftPosition {
  integrationId: string;
  recordId: string;
  place: string;
}

interface DriftFilter {
  integrationId?: string | undefined;
  recordId?: string | undefined;
  recordType?: string | undefined;
  externalIds?: readonly string[] | undefined;
  afterRecordId?: string | undefined;
}

/** By integration and record. A push of the record, or the loss of its link, ends its drifts. */
export async function listDrifts(
  work: TenantWork,
  { after, limit, ...filter }: DriftFilter & { after?: DriftPosition | undefined; limit: number },
): Promise<Drift[]> {
  const { integrationId, recordId, recordType, externalIds, afterRecordId } = filter;
  const { trx, tenantId } = work;
  let query = trx
    .selectFrom('drifts')
    // One at a time, in the order of the page.
    .innerJoinLateral(
      (from) =>
        from
          .selectFrom('records')
          .select(['externalId', 'deletedAt'])
          .where('tenantId', '=', opaqueToPlanner(tenantId))
          .whereRef('recordId', '=', 'drifts.recordId')
          .limit(1)
          .as('records'),
      (join) => join.onTrue(),
    )
    .innerJoinLateral(
      (from) =>
        from
          .selectFrom('recordLinks')
          .select(['isDeactivated', 'updatedAt'])
          .where('tenantId', '=', opaqueToPlanner(tenantId))
          .whereRef('integrationId', '=', 'drifts.integrationId')
          .whereRef('recordId', '=', 'drifts.recordId')
          .limit(1)
          .as('recordLinks'),
      (join) => join.onRef('recordLinks.updatedAt', '<=', 'drifts.seenAt'),
    )
    .select([
      'drifts.integrationId',
      'drifts.recordId',
      'drifts.recordType',
      'drifts.place',
      'drifts.expected',
      'drifts.found',
      'drifts.foundAt',
      'records.externalId',
    ])
    .where('drifts.tenantId', '=', tenantId)
    .where(isOfExistingIntegration(tenantId, 'drifts.integration_id'))
    .where('recordLinks.isDeactivated', '=', false)
    .where('records.deletedAt', 'is', null);
  if (integrationId !== undefined) query = query.where('drifts.integrationId', '=', integrationId);
  if (recordId !== undefined) query = query.where('drifts.recordId', '=', recordId);
  if (recordType !== undefined) query = query.where('drifts.recordType', '=', recordType);
  if (externalIds !== undefined) query = query.where('records.externalId', 'in', externalIds);
  if (afterRecordId !== undefined) query = query.where('drifts.recordId', '>', afterRecordId);
  if (after !== undefined)
    query = query.where(
      sql<boolean>`(drifts.integration_id, drifts.record_id, drifts.place) > (${after.integrationId}::uuid, ${after.recordId}::uuid, ${after.place})`,
    );
  const page = query.orderBy(sql`drifts.integration_id, drifts.record_id, drifts.place`).limit(limit);
  return inIndexOrder(work, () => page.execute());
}
