/**
 * Stages of applying a page that concern references to records which were not known when the page was read
 * (docs/decisions/0033).
 */
import { sql } from 'kysely';
import type { JsonValue } from '../../../domain/json';
import { parsePlace, setAt } from '../../../domain/records/place';
import {
  type FindId,
  ourIdsOf,
  referenceFields,
  referredKey,
  unknownIdsIn,
} from '../../../domain/records/references';
import type { TenantWork } from '../../database';
import { findErased } from '../../records/erased-records';
import { findOurIds } from '../../records/references/find-ids';
import { opaqueToPlanner, rowsFrom } from '../../sql/bulk-rows';
import type { PageChanges, PageToApply, PulledPromise, PulledRecord, RecordMatches } from '../page';

/** The records with the ids that are known by now, those of records that the page creates included. */
export async function resolvePromises(
  work: TenantWork,
  page: PageToApply,
  matches: RecordMatches,
): Promise<readonly PulledRecord[]> {
  if (referenceFields(page.mapping).length === 0) return page.records;
  const unknown = page.records.flatMap(({ promises = [] }) =>
    promises.flatMap(({ recordType, value }) => unknownIdsIn(value).map((id) => ({ recordType, id }))),
  );
  if (unknown.length === 0) return page.records;
  const known = await findOurIds(work, page.integrationId, unknown);
  const created = idsOfCreated(page, matches);
  const find: FindId = (one) =>
    known.get(referredKey(one)) ?? (one.recordType === page.recordType ? created.get(one.id) : undefined);
  return page.records.map((record) =>
    record.promises === undefined || record.promises.length === 0 ? record : resolved(record, find),
  );
}

/** Our ids of the records that the page stores as new ones, by theirs. */
function idsOfCreated(
  { records, overviewId, externalIdPrefix }: PageToApply,
  { unlinked, matched, ambiguous, taken, undecided }: RecordMatches,
): ReadonlyMap<string, string> {
  // A Sync Now from an overview may leave some of them out.
  if (overviewId !== null) return new Map();
  const isAmbiguous = new Set(ambiguous.map(({ remoteId }) => remoteId));
  return new Map(
    records
      .map(({ remoteId }) => remoteId)
      .filter((id) => unlinked.has(id) && !matched.has(id) && !taken.has(id))
      .filter((id) => !isAmbiguous.has(id) && !undecided.has(id))
      .map((id) => [id, externalIdPrefix + id]),
  );
}

function resolved(record: PulledRecord, find: FindId): PulledRecord {
  const promises = (record.promises ?? []).map((promise) => ({
    ...promise,
    value: ourIdsOf(promise.value, promise.recordType, find),
  }));
  const kept = promises.filter(({ value }) => unknownIdsIn(value).length === 0);
  if (kept.length === 0) return record;
  const fields = { ...record.fields, ...Object.fromEntries(kept.map(({ field, value }) => [field, value])) };
  const names = new Set(kept.map(({ field }) => field));
  return {
    remoteId: record.remoteId,
    remoteVersion: record.remoteVersion,
    externalId: record.externalId,
    hash: record.hash,
    modifiedAt: record.modifiedAt ?? null,
    fields,
    text: JSON.stringify(fields),
    remote: record.remote && withValues(record.remote, kept),
    unread: (record.unread ?? []).filter((field) => !names.has(field)),
    promises: promises.filter(({ field }) => !names.has(field)),
  };
}

function withValues(remote: NonNullable<PulledRecord['remote']>, kept: readonly PulledPromise[]) {
  const copy = structuredClone(remote);
  for (const { place, value } of kept) setAt(copy, parsePlace(place), value);
  return copy;
}

interface PromiseRow {
  record_id: string;
  field: string;
  place: string;
  record_type: string;
  remote_id: string;
  value: JsonValue;
  record_version: number;
}

/** A list of thousands of ids is stored once, not in the row of each id. */
export const IN_ANOTHER_ROW = false;

/** What a record promises now takes the place of what it promised before. */
export async function writePromises(
  work: TenantWork,
  { integrationId, syncRunId, mapping }: PageToApply,
  { drafts }: PageChanges,
): Promise<void> {
  const { trx, tenantId } = work;
  if (referenceFields(mapping).length === 0 || drafts.length === 0) return;
  const known = drafts.flatMap(({ draft }) => (draft.before === null ? [] : [draft.recordId]));
  if (known.length > 0)
    await sql`
      delete from reference_promises where tenant_id = ${opaqueToPlanner(tenantId)}
        and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = any(${known}::uuid[])`.execute(trx);
  const promised = drafts.flatMap(({ draft, remote: { promises = [] } }) =>
    promises.map((promise) => ({ ...promise, draft, ids: unknownIdsIn(promise.value) })),
  );
  const rows = (await withoutErasedIds(work, integrationId, promised)).flatMap(
    ({ field, place, recordType, value, draft, ids }) =>
      ids.map((id, index): PromiseRow => ({
        record_id: draft.recordId,
        field,
        place,
        record_type: recordType,
        remote_id: id,
        value: index === 0 ? value : IN_ANOTHER_ROW,
        record_version: draft.after.version,
      })),
  );
  if (rows.length === 0) return;
  await sql`
    insert into reference_promises (tenant_id, integration_id, record_id, field, place, record_type, remote_id, value,
      record_version, sync_run_id)
    select ${tenantId}::uuid, ${integrationId}::uuid, record_id, field, place, record_type, remote_id, value,
      record_version, ${syncRunId}::uuid
    from ${rowsFrom(
      rows,
      `record_id uuid, field text, place text, record_type text, remote_id text, value jsonb,
        record_version bigint`,
    )}
    on conflict do nothing`.execute(trx);
}

/** A reference to an erased record is not kept: the record will not arrive (rules.md 62). */
async function withoutErasedIds<Promised extends { recordType: string; ids: readonly string[] }>(
  work: TenantWork,
  integrationId: string,
  promised: readonly Promised[],
): Promise<Promised[]> {
  const names = promised.flatMap(({ recordType, ids }) =>
    ids.map((remoteId) => ({ integrationId, recordType, remoteId })),
  );
  const isErased = await findErased(work, names);
  const erased = new Set(names.filter((_, at) => isErased[at]).map(keyOf));
  return promised.filter(
    ({ recordType, ids }) => !ids.some((remoteId) => erased.has(keyOf({ recordType, remoteId }))),
  );
}

const keyOf = ({ recordType, remoteId }: { recordType: string; remoteId: string }) =>
  JSON.stringify([recordType, remoteId]);
