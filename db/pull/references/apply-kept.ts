/** Writes what was promised into records, as a change that was pulled (docs/decisions/0033). */
import { sql } from 'kysely';
import { groupBy } from '../../../domain/group-by';
import type { JsonObject, JsonValue } from '../../../domain/json';
import { versionOfField, type VersionedFields } from '../../../domain/records/field-versions';
import { parsePlace, setAt } from '../../../domain/records/place';
import { ourIdsOf, pullsReference, referredKey, unknownIdsIn } from '../../../domain/records/references';
import type { TenantWork } from '../../database';
import { findIntegration } from '../../integrations/integrations';
import { raiseConflicts } from '../../records/conflicts';
import { findOurIds } from '../../records/references/find-ids';
import { keysOf, opaqueToPlanner, rowsFrom } from '../../sql/bulk-rows';
import { newUuid } from '../../sql/ids';
import { type PageToApply, type PulledRecord, pullTargetOf } from '../page';
import { emitPageEvents } from '../page-stages/emit-page-events';
import { IN_ANOTHER_ROW } from '../page-stages/page-promises';
import { matchRecords } from '../page-stages/match-records';
import { mergePage } from '../page-stages/merge-page';
import { writeChanges } from '../page-stages/write-changes';
import { checkForInterruption } from '../pass-state';

interface PromiseRow extends VersionedFields {
  recordId: string;
  recordType: string;
  isDeleted: boolean;
  field: string;
  place: string;
  targetType: string;
  value: JsonValue;
  recordVersion: number;
  syncRunId: string;
  remoteId: string;
  remoteVersion: string | null;
}

/** Those of these records whose ids are all known by now. */
export async function keepPromisesOf(
  work: TenantWork,
  integrationId: string,
  recordIds: readonly string[],
): Promise<void> {
  const promises = await readPromises(work, integrationId, recordIds);
  const integration = promises.length === 0 ? undefined : await findIntegration(work, { integrationId });
  if (integration === undefined) return;
  const { recordTypes } = integration;
  const isOver = (promise: PromiseRow) =>
    promise.isDeleted ||
    !pullsReference(recordTypes[promise.recordType], { ...promise, recordType: promise.targetType }) ||
    // The row with the value was erased with the record that it named.
    promise.value === IN_ANOTHER_ROW ||
    versionOfField(promise, promise.field)[0] > promise.recordVersion;
  await dropPromises(work, integrationId, promises.filter(isOver));
  const open = promises.filter((promise) => !isOver(promise));
  const known = await findOurIds(
    work,
    integrationId,
    open.flatMap(({ targetType, value }) =>
      unknownIdsIn(value).map((id) => ({ recordType: targetType, id })),
    ),
  );
  const kept = open
    .map((promise) => ({
      ...promise,
      value: ourIdsOf(promise.value, promise.targetType, (one) => known.get(referredKey(one))),
    }))
    .filter(({ value }) => unknownIdsIn(value).length === 0);
  for (const recordType of new Set(kept.map((promise) => promise.recordType)))
    if (integration.recordTypes[recordType] !== undefined)
      await applyKept(
        work,
        pullTargetOf(integration, recordType),
        kept.filter((promise) => promise.recordType === recordType),
      );
}

async function readPromises(
  { trx, tenantId }: TenantWork,
  integrationId: string,
  recordIds: readonly string[],
): Promise<PromiseRow[]> {
  const ofRecord = sql`tenant_id = ${opaqueToPlanner(tenantId)}
    and integration_id = ${opaqueToPlanner(integrationId)} and record_id = wanted.record_id`;
  const { rows } = await sql<PromiseRow>`
    select promise.*, record.*, link.remote_id, link.remote_version
    from unnest(${[...recordIds].sort()}::uuid[]) as wanted(record_id)
    cross join lateral (
      select distinct on (place) record_id, field, place, record_type as target_type, value, record_version, sync_run_id
      from reference_promises where ${ofRecord}
      order by place, value = to_jsonb(${IN_ANOTHER_ROW}::boolean)) promise
    cross join lateral (
      select record_type, version, occurred_at, field_versions, deleted_at is not null as is_deleted
      from records where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = wanted.record_id limit 1) record
    cross join lateral (
      select remote_id, remote_version from record_links where ${ofRecord} limit 1) link`.execute(trx);
  return rows;
}

/** As a page that shows these fields only, through the stages of every page. */
async function applyKept(
  work: TenantWork,
  target: ReturnType<typeof pullTargetOf>,
  kept: readonly PromiseRow[],
): Promise<void> {
  const syncRunId = kept.map((promise) => promise.syncRunId).reduce((a, b) => (a > b ? a : b));
  const page: PageToApply = {
    ...target,
    syncRunId,
    overviewId: null,
    pagesBefore: 0,
    records: [...groupBy(kept, ({ recordId }) => recordId).values()].map((ofRecord) =>
      toPulled(ofRecord, target.mapping.direction === 'both'),
    ),
    tombstones: [],
    refused: [],
    altered: [],
    nextCursor: 'more',
    asOf: null,
    total: null,
    requestedAt: work.now,
    isSparse: true,
    appliesEmptied: true,
  };
  const changes = await mergePage(work, page, await matchRecords(work, page));
  const opensWindows = await writeChanges(work, page, changes);
  await raiseConflicts(work, page, changes.conflicts);
  const done = new Set(changes.drafts.map(({ draft }) => draft.recordId));
  // A record that was just pushed keeps its promise for the end of the next full pass.
  await dropPromises(
    work,
    target.integrationId,
    kept.filter(({ recordId }) => done.has(recordId)),
  );
  await emitPageEvents(work, page, await checkForInterruption(work, page), changes, { opensWindows });
}

function toPulled(promises: readonly PromiseRow[], isTwoWay: boolean): PulledRecord {
  const [{ remoteId, remoteVersion }] = promises as [PromiseRow];
  const fields = Object.fromEntries(promises.map(({ field, value }) => [field, value]));
  const remote: JsonObject = {};
  for (const { place, value } of promises) setAt(remote, parsePlace(place), value);
  return {
    remoteId,
    remoteVersion,
    externalId: null,
    fields,
    text: JSON.stringify(fields),
    remote: isTwoWay ? remote : null,
    // Equals no stored one: the next read compares the whole record.
    hash: newUuid(),
  };
}

async function dropPromises(
  { trx, tenantId }: TenantWork,
  integrationId: string,
  promises: readonly { recordId: string; place: string }[],
): Promise<void> {
  if (promises.length === 0) return;
  const rows = promises.map(({ recordId, place }) => ({ record_id: recordId, place }));
  await sql`
    delete from reference_promises promise using ${rowsFrom(rows, 'record_id uuid, place text')}
    where promise.tenant_id = ${opaqueToPlanner(tenantId)}
      and promise.integration_id = ${opaqueToPlanner(integrationId)}
      and promise.record_id = any(${keysOf(rows, 'record_id')})
      and promise.record_id = row.record_id and promise.place = row.place`.execute(trx);
}
