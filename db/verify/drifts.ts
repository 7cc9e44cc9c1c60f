/** Open differences between what was pushed and what the third party holds (rules.md 54). */
import { type Selectable, sql } from 'kysely';
import type { JsonValue } from '../../domain/json';
import type { TenantWork } from '../database';
import { opaqueToPlanner, rowsFrom } from '../sql/bulk-rows';
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

/**
 * What is known of the compared records is replaced; a drift that was known keeps its time. `listed`: records
 * that are there, compared or not.
 */
export async function replaceDrifts(
  { trx, tenantId, now }: TenantWork,
  { integrationId, recordType, syncRunId }: Omit<Verification, 'job'>,
  {
    recordIds,
    listed = [],
    drifts,
  }: { recordIds: readonly string[]; listed?: readonly string[]; drifts: readonly NewDrift[] },
): Promise<void> {
  if (recordIds.length + listed.length === 0) return;
  const rows = drifts.map(({ recordId, ...drift }) => ({ record_id: recordId, ...drift }));
  await sql`
    delete from drifts
    where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
      and record_id = any(${[...new Set([...recordIds, ...listed])]}::uuid[])
      and (record_id = any(${[...recordIds]}::uuid[]) or place = ${MISSING_THERE})
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
