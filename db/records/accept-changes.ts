/**
 * Accepts changes of records in one transaction (ARCHITECTURE.md): reads what they depend on, plans with
 * domain/push/plan-acceptance.ts, and writes records, change log, record syncs and outbox.
 *
 * Five hundred changes need as many statements as one. Locks are taken in one order, so that two batches
 * cannot deadlock: the tenant's mappings (shared), records by id, record syncs by record and integration.
 */
import { sql } from 'kysely';
import type { JsonObject } from '../../domain/json';
import {
  type AcceptanceResult,
  type LoggedChange,
  planAcceptance,
  type StoredRecord,
} from '../../domain/push/plan-acceptance';
import type { RecordSyncKey } from '../../domain/push/plan-record-syncs';
import type { FieldVersions } from '../../domain/records/field-versions';
import type { RecordChange } from '../../domain/records/record-change';
import type { ChangeAuthor } from '../../domain/records/record-draft';
import type { TenantWork } from '../database';
import { opaqueToPlanner, rowsFrom } from '../sql/bulk-rows';
import { newUuid } from '../sql/ids';
import type { RecordSyncStatus } from '../tables/records';
import { findAcceptingIntegrations, lockRecordSyncs } from './accepting-integrations';
import { findErased } from './erased-records';
import { lockMappings } from './mapping-lock';
import { hashOfTarget } from './payload-hash';
import { countCreated, readRoom } from './record-counts';
import { findOwners } from './record-owners';
import { type ShownRecordSync, writeRecordSyncPlan } from './update-record-syncs';
import { withdrawReviewedItems } from './withdraw-reviewed-items';
import { writeRecords } from './write-records';

interface AcceptedSync {
  integrationId: string;
  status: RecordSyncStatus | null;
  dueAt: Date | null;
}

export interface AcceptedChange extends AcceptanceResult {
  /** The record's syncs after the batch. */
  syncs: AcceptedSync[];
}

/**
 * Applies the changes in order. @returns one result per change, in the same order; a record may change
 * several times.
 * @param recordsPerType how many records of a type the tenant may have, unless it has a limit of its own.
 * Required for changes that may create records.
 */
export async function acceptChanges(
  work: TenantWork,
  changes: readonly RecordChange[],
  author: ChangeAuthor,
  { recordsPerType }: { recordsPerType?: number } = {},
): Promise<AcceptedChange[]> {
  await lockMappings(work, 'shared');
  const integrations = await findAcceptingIntegrations(work, {
    recordTypes: [...new Set(changes.map(({ recordType }) => recordType))],
  });
  const records = await lockRecords(work, changes);
  const erased = await findErased(work, changes);
  const room = await readRooms(work, changes, records, recordsPerType);
  const owners = await findOwners(work, integrations, records);
  const recordSyncs = await lockRecordSyncs(work, records);
  const plan = planAcceptance(
    changes,
    { records, integrations, owners, recordSyncs, room, erased, now: work.now },
    { newId: newUuid, hashOf: hashOfTarget },
  );

  await writeRecords(work, plan.drafts, author.actor);
  await writeChangeLog(work, plan.log, author);
  const written = await writeRecordSyncPlan(work, plan.recordSyncs, author);
  await withdrawReviewedItems(work, plan.drafts);
  await countCreated(work, plan.drafts);

  const syncs = bySyncedRecord(recordSyncs, written, plan.recordSyncs.ended);
  return plan.results.map((result) => ({
    ...result,
    syncs: result.recordId === null ? [] : (syncs.get(result.recordId) ?? []),
  }));
}

interface RecordRow {
  recordId: string;
  recordType: string;
  externalId: string;
  version: number;
  fields: JsonObject;
  occurredAt: Date;
  changedAt: Date;
  deletedAt: Date | null;
  fieldVersions: FieldVersions | null;
}

async function lockRecords(
  { trx, tenantId }: TenantWork,
  changes: readonly RecordChange[],
): Promise<StoredRecord[]> {
  const keys = new Map(
    changes.map(({ recordType, externalId }) => [
      `${recordType}\n${externalId}`,
      { record_type: recordType, external_id: externalId },
    ]),
  );
  const { rows } = await sql<RecordRow>`
    with found as materialized (
      select record.record_id
      from ${rowsFrom([...keys.values()], 'record_type text, external_id text')}
      cross join lateral (
        select record_id from records
        where tenant_id = ${opaqueToPlanner(tenantId)} and record_type = row.record_type
          and external_id = row.external_id
        limit 1) record
      order by record.record_id)
    select record.*
    from found
    cross join lateral (
      select record_id, record_type, external_id, version, fields, occurred_at, changed_at, deleted_at,
        field_versions
      from records where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = found.record_id
      for update) record`.execute(trx);
  return rows.map(({ recordId, recordType, externalId, changedAt, deletedAt, ...state }) => ({
    recordId,
    recordType,
    externalId,
    changedAt,
    state: { ...state, isDeleted: deletedAt !== null },
  }));
}

/** By record type; the types in one order, as the locks of `readRoom`. */
async function readRooms(
  work: TenantWork,
  changes: readonly RecordChange[],
  records: readonly StoredRecord[],
  recordsPerType = Infinity,
): Promise<Map<string, number>> {
  const keyOf = ({ recordType, externalId }: Pick<RecordChange, 'recordType' | 'externalId'>) =>
    `${recordType}\n${externalId}`;
  const stored = new Set(records.map(keyOf));
  const creating = changes.filter((change) => change.kind === 'put' && !stored.has(keyOf(change)));
  const rooms = new Map<string, number>();
  for (const recordType of [...new Set(creating.map((change) => change.recordType))].toSorted()) {
    const creates = creating.filter((change) => change.recordType === recordType).length;
    const { room } = await readRoom(work, { recordType, creates, recordsPerType });
    rooms.set(recordType, room);
  }
  return rooms;
}

async function writeChangeLog(
  { trx, tenantId, now }: TenantWork,
  log: readonly LoggedChange[],
  { actor, requestId }: ChangeAuthor,
): Promise<void> {
  if (log.length === 0) return;
  const rows = log.map((entry) => ({
    record_id: entry.recordId,
    change_id: newUuid(),
    version: entry.version,
    outcome: entry.outcome,
    is_delete: entry.isDelete,
    changed_fields: entry.changedFields,
    occurred_at: entry.occurredAt,
  }));
  const columns =
    'record_id uuid, change_id uuid, version bigint, outcome text, is_delete boolean, changed_fields text[], ' +
    'occurred_at timestamptz';
  await sql`
    insert into record_changes (
      tenant_id, record_id, change_id, version, outcome, is_delete, changed_fields, changed_by, occurred_at,
      changed_at, request_id)
    select ${tenantId}::uuid, record_id, change_id, version, outcome, is_delete, changed_fields, ${actor},
      occurred_at, ${now}::timestamptz, ${requestId}
    from ${rowsFrom(rows, columns)}`.execute(trx);
}

/** By record id, in the order of integrations: the record syncs of before, and what was written of them. */
function bySyncedRecord(
  before: ReadonlyMap<string, ShownRecordSync>,
  written: readonly ShownRecordSync[],
  ended: readonly RecordSyncKey[],
): Map<string, AcceptedSync[]> {
  const byRecord = new Map<string, Map<string, AcceptedSync>>();
  for (const { recordId, integrationId, status, dueAt } of [...before.values(), ...written]) {
    const syncs = byRecord.get(recordId) ?? new Map<string, AcceptedSync>();
    byRecord.set(recordId, syncs.set(integrationId, { integrationId, status, dueAt }));
  }
  for (const { recordId, integrationId } of ended) byRecord.get(recordId)?.delete(integrationId);
  return new Map(
    [...byRecord].map(([recordId, syncs]) => [
      recordId,
      [...syncs.values()].sort((a, b) => (a.integrationId < b.integrationId ? -1 : 1)),
    ]),
  );
}
