/**
 * The records that a pass may match by the field of `match_by`: those that are not linked yet. Stored
 * once per pass, in chunks, as soon as a page needs them (rules.md 13, 60).
 */
import { type RawBuilder, sql } from 'kysely';
import type { TenantWork } from '../../database';
import { opaqueToPlanner } from '../../sql/bulk-rows';
import type { InTenant } from '../comparison/seen-ids';
import type { PassKey } from '../page';

export interface Candidates extends PassKey {
  field: string;
  ignoresCase: boolean;
}

/** A page needs them first. Nothing of its transaction is stored. */
export class CandidatesMissing extends Error {
  constructor(readonly candidates: Candidates) {
    super('The candidates of match_by are not stored yet.');
  }
}

const RECORDS_PER_CHUNK = 5_000;
/** Nothing longer identifies a record, and an index holds no entry of any length. */
const VALUE_BYTES_MAX = 2_000;

/**
 * Their `record_type` in `match_keys`. A process of a former release stores its own under the type, all at
 * once, and takes the first ones that it finds there for all.
 */
export const candidatesOf = (recordType: string): string => `match:${recordType}`;

/** The form in which values are compared; `matchForm` of the domain is the same for values in memory. */
export const matchFormOf = (value: RawBuilder<unknown>, ignoresCase: boolean): RawBuilder<string> =>
  ignoresCase
    ? sql`lower(${value})`
    : sql`case when ${value} ~ '^[^ @]+@[^ @]+[.][^ @]+$' then lower(${value}) else ${value} end`;

/** @throws `CandidatesMissing` */
export async function requireCandidates(work: TenantWork, candidates: Candidates): Promise<void> {
  if ((await storedTo(work, candidates)) !== candidates.syncRunId) throw new CandidatesMissing(candidates);
}

/**
 * Stores what is missing, in several transactions. Workers that read ranges of the list share the work.
 * @param isOpen locks the job of the pass. @returns false if it has ended.
 */
export async function saveCandidates(
  inTenant: InTenant,
  candidates: Candidates,
  {
    isOpen,
    recordsPerChunk = RECORDS_PER_CHUNK,
  }: { isOpen(work: TenantWork): Promise<boolean>; recordsPerChunk?: number },
): Promise<void> {
  const saveNext = () =>
    inTenant(async (work) => ((await isOpen(work)) ? saveChunk(work, candidates, recordsPerChunk) : 'done'));
  while ((await saveNext()) !== 'done');
}

/** The row without a value has the place: the last record that was looked at; the pass itself = all were. */
async function storedTo(
  { trx, tenantId }: TenantWork,
  { syncRunId, recordType }: PassKey,
): Promise<string | undefined> {
  const { rows } = await sql<{ recordId: string }>`
    select record_id from match_keys
    where tenant_id = ${tenantId} and sync_run_id = ${syncRunId} and record_type = ${candidatesOf(recordType)}
      and value = '' limit 1`.execute(trx);
  return rows[0]?.recordId;
}

async function saveChunk(work: TenantWork, candidates: Candidates, limit: number): Promise<'done' | 'more'> {
  const { trx, tenantId } = work;
  const { integrationId, syncRunId, recordType, field, ignoresCase } = candidates;
  const place = await storedTo(work, candidates);
  if (place === syncRunId) return 'done';
  const before = await externalIdOf(work, place);
  // The walk begins, or begins again because the record at its place was erased.
  if (before === undefined && (await deleteSome(work, candidates, limit))) return 'more';
  const { rows } = await sql<{ records: number; last: string | null }>`
    with chunk as materialized (
      select record_id, external_id, case when deleted_at is null then fields ->> ${field} end as value
      from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_type = ${recordType}
        and external_id > ${before ?? ''}
      order by external_id limit ${limit}),
    stored as (
      insert into match_keys (tenant_id, sync_run_id, record_type, value, record_id)
      select ${tenantId}::uuid, ${syncRunId}::uuid, ${candidatesOf(recordType)},
        ${matchFormOf(sql`value`, ignoresCase)}, record_id
      from chunk
      where value <> '' and octet_length(value) <= ${VALUE_BYTES_MAX} and (
        select true from record_links link
        where link.tenant_id = ${opaqueToPlanner(tenantId)} and link.integration_id = ${opaqueToPlanner(integrationId)}
          and link.record_id = chunk.record_id limit 1) is null)
    select count(*)::int as records, (array_agg(record_id order by external_id desc))[1] as last from chunk`.execute(
    trx,
  );
  const { records = 0, last = null } = rows[0] ?? {};
  const isLast = records < limit;
  await savePlace(work, candidates, before === undefined, isLast || last === null ? syncRunId : last);
  return isLast ? 'done' : 'more';
}

async function externalIdOf(
  { trx, tenantId }: TenantWork,
  recordId: string | undefined,
): Promise<string | undefined> {
  if (recordId === undefined) return undefined;
  const record = await trx
    .selectFrom('records')
    .select('externalId')
    .where('tenantId', '=', tenantId)
    .where('recordId', '=', recordId)
    .executeTakeFirst();
  return record?.externalId;
}

/** @returns whether there were any. */
async function deleteSome(
  { trx, tenantId }: TenantWork,
  { syncRunId, recordType }: PassKey,
  limit: number,
): Promise<boolean> {
  const deleted = await sql`
    delete from match_keys where ctid = any(array(
      select ctid from match_keys
      where tenant_id = ${tenantId} and sync_run_id = ${syncRunId} and record_type = ${candidatesOf(recordType)}
      limit ${limit}))`.execute(trx);
  return deleted.numAffectedRows !== 0n;
}

async function savePlace(
  { trx, tenantId }: TenantWork,
  { syncRunId, recordType }: PassKey,
  isFirst: boolean,
  recordId: string,
): Promise<void> {
  const key = { tenantId, syncRunId, recordType: candidatesOf(recordType), value: '' };
  if (isFirst)
    await trx
      .insertInto('matchKeys')
      .values({ ...key, recordId })
      .execute();
  else
    await trx
      .updateTable('matchKeys')
      .set({ recordId })
      .where('tenantId', '=', tenantId)
      .where('syncRunId', '=', syncRunId)
      .where('recordType', '=', key.recordType)
      .where('value', '=', '')
      .execute();
}
