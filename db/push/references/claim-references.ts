/**
 * What a claim decides about the records that its pushes refer to (docs/decisions/0033): the third party's
 * ids of those that it has, and otherwise whether the push waits, goes out first without the field, or fails.
 */
import { sql } from 'kysely';
import type { JsonObject } from '../../../domain/json';
import { withoutCreateOnly } from '../../../domain/records/create-only';
import type { MappingError } from '../../../domain/records/mapping';
import {
  type Reference,
  referenceFields,
  referencesIn,
  referredKey,
  type ReferredRecord,
  withoutPlaces,
} from '../../../domain/records/references';
import type { Integration } from '../../integrations/integrations';
import type { TenantWork } from '../../database';
import { distinctOf } from '../../records/references/find-ids';
import { opaqueToPlanner, rowsFrom } from '../../sql/bulk-rows';
import type { RecordSyncStatus } from '../../tables/records';
import type { DecidedPush } from '../claim';
import { readPromised } from './promised-places';
import { type ReferenceRow, WAITS_FOR_MS } from './references-of-push';

interface Target {
  recordId: string | null;
  isDeleted: boolean;
  remoteId: string | null;
  status: RecordSyncStatus | null;
}

/** The pushes with their references. `errors` of records that cannot be named there end the push. */
export async function decideReferences(
  work: TenantWork,
  { integration, now }: { integration: Pick<Integration, 'integrationId' | 'recordTypes'>; now: Date },
  decided: readonly DecidedPush[],
): Promise<DecidedPush[]> {
  const { integrationId, recordTypes } = integration;
  const mappingOf = ({ record }: DecidedPush) => recordTypes[record.recordType];
  const isConcerned = (one: DecidedPush) =>
    one.decision.kind === 'push' && referenceFields(mappingOf(one)).length > 0;
  const concerned = decided.filter(isConcerned);
  if (concerned.length === 0) return [...decided];
  const recordIds = concerned.map(({ record }) => record.recordId);
  const promised = await readPromised(
    work,
    integration,
    concerned.map(({ record }) => record),
  );
  const leftOut = await readLeftOut(work, integrationId, recordIds);
  const wanted = new Map(
    concerned.map((one) => {
      const payload = withoutPlaces(payloadOf(one), promised.get(one.record.recordId) ?? []);
      const mapping = mappingOf(one);
      const named = mapping === undefined ? [] : referencesIn(mapping, sentTo(one, payload));
      return [one, { payload, references: named }];
    }),
  );
  const targets = await readTargets(
    work,
    integrationId,
    [...wanted.values()].flatMap(({ references }) => references),
  );
  return decided.map((one) => {
    const known = wanted.get(one);
    if (known === undefined) return one;
    const chosen = leftOut.get(one.record.recordId) ?? new Set();
    return decide(one, known, {
      targets,
      leftOut: chosen,
      waitsUntil: new Date(now.getTime() + WAITS_FOR_MS),
    });
  });
}

const payloadOf = ({ target, record }: DecidedPush) =>
  target.operation === 'upsert' ? target.payload : (record.agreed ?? {});

/** A record that exists there is not sent what is sent on creation only: nothing of that has to be there. */
const sentTo = ({ target, record }: DecidedPush, payload: JsonObject): JsonObject =>
  target.operation === 'upsert' && record.remoteId !== null
    ? withoutCreateOnly(payload, target.createOnly)
    : payload;

interface Known {
  targets: ReadonlyMap<string, Target>;
  /** Places of references that were chosen to be left out. */
  leftOut: ReadonlySet<string>;
  waitsUntil: Date;
}

function decide(
  one: DecidedPush,
  { payload, references }: { payload: DecidedPush['record']['fields']; references: readonly Reference[] },
  { targets, leftOut, waitsUntil }: Known,
): DecidedPush {
  const { record, target } = one;
  const rows = references.map((reference): ReferenceRow => {
    const known = targets.get(referredKey(reference));
    const { recordId: targetId = null, remoteId = null } = known ?? {};
    const isItself = targetId === record.recordId;
    const state =
      remoteId !== null
        ? 'sent'
        : isItself || (leftOut.has(reference.place) && isOnItsWay(known))
          ? 'left_out'
          : isOnItsWay(known)
            ? 'waiting'
            : 'missing';
    return { ...reference, state, targetId, remoteId };
  });
  const remoteIds = Object.fromEntries(
    rows.flatMap(({ remoteId, ...row }) => (remoteId === null ? [] : [[referredKey(row), remoteId]])),
  );
  const common = { remoteIds, waitsUntil: null, leftOut: [], rows };
  // A removal does not wait for other records.
  if (target.operation !== 'upsert') return { ...one, references: { ...common, rows: [] } };
  const missing = rows.filter(({ state }) => state === 'missing');
  if (missing.length > 0) {
    const errors = missing.map((row) => notThere(row, targets.get(referredKey(row))));
    return { ...one, hash: null, decision: { kind: 'invalid', errors }, references: common };
  }
  if (rows.some(({ state }) => state === 'waiting'))
    return { ...one, decision: { kind: 'wait' }, references: { ...common, waitsUntil } };
  const left = rows.filter(({ state }) => state === 'left_out');
  return {
    ...one,
    target: { ...target, payload: withoutPlaces(payload, new Set(left.map(({ place }) => place))) },
    references: { ...common, leftOut: [...new Set(left.map(({ field }) => field))] },
  };
}

/** It has a push that is open, or that failed and can be repeated. */
function isOnItsWay(target: Target | undefined): boolean {
  return target !== undefined && !target.isDeleted && target.status !== null && target.status !== 'synced';
}

function notThere({ field, place, recordType, id }: ReferenceRow, target: Target | undefined): MappingError {
  const name = `${recordType} ${id}`;
  const why =
    target === undefined
      ? 'does not exist here'
      : target.isDeleted
        ? 'was deleted here'
        : 'is not in the app, and nothing is about to send it there';
  return { field, to: place, message: `${field} refers to ${name}, which ${why}.`, isReference: true };
}

async function readTargets(
  { trx, tenantId }: TenantWork,
  integrationId: string,
  references: readonly ReferredRecord[],
): Promise<ReadonlyMap<string, Target>> {
  const distinct = distinctOf(references);
  if (distinct.length === 0) return new Map();
  const rows = distinct.map(({ recordType, id }, position) => ({
    position,
    record_type: recordType,
    external_id: id,
  }));
  const { rows: found } = await sql<Target & { position: number }>`
    select row.position, record.record_id, record.is_deleted, link.remote_id, record_sync.status
    from ${rowsFrom(rows, 'position int, record_type text, external_id text')}
    cross join lateral (
      select record_id, deleted_at is not null as is_deleted from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_type = row.record_type
        and external_id = row.external_id limit 1) record
    left join lateral (
      select remote_id from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = record.record_id limit 1) link on true
    left join lateral (
      select status from record_syncs
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = record.record_id limit 1) record_sync on true`.execute(trx);
  return new Map(
    found.map(({ position, ...target }) => [referredKey(distinct[position] as ReferredRecord), target]),
  );
}

async function readLeftOut(
  { trx, tenantId }: TenantWork,
  integrationId: string,
  recordIds: readonly string[],
): Promise<ReadonlyMap<string, Set<string>>> {
  const { rows } = await sql<{ recordId: string; place: string }>`
    select wanted.record_id, known.place from unnest(${[...recordIds]}::uuid[]) as wanted(record_id)
    cross join lateral (
      select place from push_references
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = wanted.record_id and state = 'left_out' offset 0) known`.execute(trx);
  const places = new Map<string, Set<string>>();
  for (const { recordId, place } of rows)
    places.set(recordId, (places.get(recordId) ?? new Set()).add(place));
  return places;
}
