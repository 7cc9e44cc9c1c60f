/**
 * Acceptance of changes: one transaction, after which nothing can be lost (ARCHITECTURE.md).
 * Writes the records and their versions, a row per change, the windows of the pairs they touch, and an outbox row
 * where a lane has to wake earlier than it knows. Restarting a window costs Temporal nothing.
 *
 * Works in sets: as many statements for five hundred changes as for one.
 * Locks, always in this order, so that two batches cannot block each other for ever: the tenant's mappings (shared),
 * records by id, pairs by record and integration.
 */
import { sql } from 'kysely';
import type { JsonObject } from '../../domain/json';
import { type Owner, respectOwners } from '../../domain/records/field-ownership';
import { applyChange, type RecordChange } from '../../domain/records/record-change';
import type { TenantWork } from '../database';
import { newUuid } from '../sql/ids';
import { lockMappings } from './mapping-lock';
import { isLocked } from '../sync-runs/onboarding';
import {
  findIntegrationsForAcceptance,
  type IntegrationForAcceptance,
  writeRecordSyncs,
} from './update-record-syncs';
import { findOwners } from './record-owners';
import { writeRecords } from './write-records';
import type { ChangeAuthor, RecordDraft } from './record-draft';
import { rowsFrom, opaqueToPlanner } from '../sql/bulk-rows';
import type { RecordSyncStatus } from '../tables/records';

export type { RecordChange } from '../../domain/records/record-change';
export type { ChangeAuthor } from './record-draft';

export interface AcceptedSync {
  integrationId: string;
  status: RecordSyncStatus | null;
  dueAt: Date | null;
}

export interface AcceptedChange {
  /**
   * `accepted`: it is kept (or was already). `stale`: an older version than ours, ignored and logged.
   * `version_reused`: the same version with other content. `not_found`: nothing to patch or delete.
   * `onboarding_in_progress`, `field_owned_by_third_party`: refused because of `refusedBy`.
   */
  outcome:
    | 'accepted'
    | 'stale'
    | 'version_reused'
    | 'not_found'
    | 'onboarding_in_progress'
    | 'field_owned_by_third_party';
  refusedBy?: { integrationId: string; fields: string[] };
  recordType: string;
  externalId: string;
  recordId: string | null;
  version: number | null;
  isDeleted: boolean;
  /** The pairs of the record after this batch. */
  syncs: AcceptedSync[];
}

interface ChangeRow {
  record_id: string;
  change_id: string;
  version: number;
  outcome: 'applied' | 'stale';
  is_delete: boolean;
  changed_fields: string[];
  occurred_at: Date;
}

/** Takes the changes in order; answers one result per change, in the same order. Several changes of one record are fine. */
export async function acceptChanges(
  work: TenantWork,
  changes: readonly RecordChange[],
  by: ChangeAuthor,
): Promise<AcceptedChange[]> {
  await lockMappings(work, 'shared');
  const integrations = await findIntegrationsForAcceptance(work);
  const drafts = await lockDrafts(work, changes);
  const owners = await findOwners(work, integrations, [...drafts.values()]);
  const applied = changes.map((change) => {
    const judged = judge(change, drafts.get(keyOf(change)), integrations, owners);
    return 'outcome' in judged
      ? { accepted: judged, row: undefined }
      : applyToDraft(drafts, judged, work.now);
  });
  await writeRecords(work, [...drafts.values()], by.actor);
  await writeChangeRows(
    work,
    applied.flatMap(({ row }) => (row === undefined ? [] : [row])),
    by,
  );
  await writeRecordSyncs(
    work,
    integrations,
    [...drafts.values()].filter((draft) => draft.isTouched),
    by,
  );
  const syncs = await readSyncs(work, [...drafts.values()]);
  return applied.map(({ accepted }) => ({
    ...accepted,
    syncs: accepted.recordId === null ? [] : (syncs.get(accepted.recordId) ?? []),
  }));
}

/** What may not be changed here: a type that is being onboarded (rules.md 33), a field that belongs to a third party (rules.md 17). */
function judge(
  change: RecordChange,
  draft: RecordDraft | undefined,
  integrations: readonly IntegrationForAcceptance[],
  owners: ReadonlyMap<string, Owner[]>,
): RecordChange | Omit<AcceptedChange, 'syncs'> {
  const name = { recordType: change.recordType, externalId: change.externalId };
  const current = draft === undefined ? { recordId: null, version: null, isDeleted: false } : stateOf(draft);
  const gate = integrations.find((integration) => isLocked(integration, change.recordType));
  if (gate !== undefined)
    return {
      outcome: 'onboarding_in_progress',
      ...name,
      ...current,
      refusedBy: { integrationId: gate.integrationId, fields: [] },
    };
  const owned = respectOwners(change, draft?.after.fields ?? {}, owners.get(draft?.recordId ?? '') ?? []);
  if (owned.kind === 'allowed') return owned.change;
  return {
    outcome: 'field_owned_by_third_party',
    ...name,
    ...current,
    refusedBy: { integrationId: owned.owner.integrationId, fields: owned.fields },
  };
}

const keyOf = (record: { recordType: string; externalId: string }) =>
  `${record.recordType}\n${record.externalId}`;

async function lockDrafts(
  { trx, tenantId, now }: TenantWork,
  changes: readonly RecordChange[],
): Promise<Map<string, RecordDraft>> {
  const keys = [
    ...new Map(
      changes.map((change) => [
        keyOf(change),
        { record_type: change.recordType, external_id: change.externalId },
      ]),
    ).values(),
  ];
  const { rows } = await sql<{
    recordId: string;
    recordType: string;
    externalId: string;
    version: number;
    fields: JsonObject;
    occurredAt: Date;
    changedAt: Date;
    deletedAt: Date | null;
  }>`
    with found as materialized (
      select record.record_id
      from ${rowsFrom(keys, 'record_type text, external_id text')}
      cross join lateral (
        select record_id from records
        where tenant_id = ${opaqueToPlanner(tenantId)} and record_type = row.record_type and external_id = row.external_id limit 1) record
      order by record.record_id)
    select record.*
    from found
    cross join lateral (
      select record_id, record_type, external_id, version, fields, occurred_at, changed_at, deleted_at
      from records where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = found.record_id for update) record`.execute(
    trx,
  );
  return new Map(
    rows.map((row) => {
      const before = {
        version: row.version,
        fields: row.fields,
        isDeleted: row.deletedAt !== null,
        occurredAt: row.occurredAt,
      };
      return [
        keyOf(row),
        {
          recordId: row.recordId,
          recordType: row.recordType,
          externalId: row.externalId,
          before,
          after: before,
          changedFields: new Set<string>(),
          isTouched: false,
          changedAt: row.changedAt > now ? row.changedAt : now,
        },
      ];
    }),
  );
}

function applyToDraft(
  drafts: Map<string, RecordDraft>,
  change: RecordChange,
  now: Date,
): { accepted: Omit<AcceptedChange, 'syncs'>; row?: ChangeRow } {
  const draft = drafts.get(keyOf(change));
  const result = applyChange(draft?.after ?? null, change, now);
  const name = { recordType: change.recordType, externalId: change.externalId };
  if (result.outcome === 'unchanged' && draft !== undefined) {
    draft.after = result.record;
    return { accepted: { outcome: 'accepted', ...name, ...stateOf(draft) } };
  }
  if (result.outcome === 'applied') {
    const kept = draft ?? {
      ...name,
      recordId: newUuid(),
      before: null,
      after: result.record,
      changedFields: new Set<string>(),
      isTouched: true,
      changedAt: now,
    };
    drafts.set(keyOf(change), kept);
    kept.after = result.record;
    kept.isTouched = true;
    for (const field of result.changedFields) kept.changedFields.add(field);
    return {
      accepted: { outcome: 'accepted', ...name, ...stateOf(kept) },
      row: changeRow(kept, change, 'applied', result.changedFields, result.record.version, now),
    };
  }
  const outcome = result.outcome === 'unchanged' ? ('accepted' as const) : result.outcome;
  const accepted: Omit<AcceptedChange, 'syncs'> = {
    outcome,
    ...name,
    ...(draft === undefined ? { recordId: null, version: null, isDeleted: false } : stateOf(draft)),
  };
  if (outcome !== 'stale' || draft === undefined) return { accepted };
  return {
    accepted,
    row: changeRow(
      draft,
      change,
      'stale',
      Object.keys(change.fields),
      change.version ?? draft.after.version,
      now,
    ),
  };
}

function stateOf(draft: RecordDraft): { recordId: string; version: number; isDeleted: boolean } {
  return { recordId: draft.recordId, version: draft.after.version, isDeleted: draft.after.isDeleted };
}

function changeRow(
  draft: RecordDraft,
  change: RecordChange,
  outcome: 'applied' | 'stale',
  changedFields: string[],
  version: number,
  now: Date,
): ChangeRow {
  return {
    record_id: draft.recordId,
    change_id: newUuid(),
    version,
    outcome,
    is_delete: change.kind === 'delete',
    changed_fields: changedFields,
    occurred_at: change.occurredAt ?? now,
  };
}

async function writeChangeRows(
  { trx, tenantId, now }: TenantWork,
  rows: ChangeRow[],
  by: ChangeAuthor,
): Promise<void> {
  if (rows.length === 0) return;
  await sql`
    insert into record_changes (tenant_id, record_id, change_id, version, outcome, is_delete, changed_fields, changed_by, occurred_at, changed_at, request_id)
    select ${tenantId}::uuid, record_id, change_id, version, outcome, is_delete, changed_fields, ${by.actor}, occurred_at, ${now}::timestamptz, ${by.requestId}
    from ${rowsFrom(rows, 'record_id uuid, change_id uuid, version bigint, outcome text, is_delete boolean, changed_fields text[], occurred_at timestamptz')}`.execute(
    trx,
  );
}

async function readSyncs(
  { trx, tenantId }: TenantWork,
  drafts: RecordDraft[],
): Promise<Map<string, AcceptedSync[]>> {
  const recordIds = drafts.map((draft) => draft.recordId);
  const byRecord = new Map<string, AcceptedSync[]>();
  const { rows } = await sql<AcceptedSync & { recordId: string }>`
    select record_sync.*
    from unnest(${recordIds}::uuid[]) as wanted(record_id)
    cross join lateral (
      select record_id, integration_id, status, due_at from record_syncs
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = wanted.record_id order by integration_id) record_sync`.execute(
    trx,
  );
  for (const { recordId, ...sync } of rows) byRecord.set(recordId, [...(byRecord.get(recordId) ?? []), sync]);
  return byRecord;
}
