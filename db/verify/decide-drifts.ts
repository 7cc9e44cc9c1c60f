/** Repairs or accepts drifts, by the setting of the record type or the decision of a person (rules.md 54). */
import { sql } from 'kysely';
import type { JsonObject, JsonValue } from '../../domain/json';
import type { BrakedEffect } from '../../domain/push/braked-effect';
import { acceptedFields } from '../../domain/pull/accepted-fields';
import { PUSH_KINDS } from '../../domain/push/push-kind';
import { mappedFieldNames, type RecordTypeMapping } from '../../domain/records/mapping';
import type { ChangeAuthor } from '../../domain/records/record-draft';
import type { TenantWork } from '../database';
import { enqueuePush } from '../platform/outbox';
import { openManualWindows } from '../push/manual-windows';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { noteAbsence } from '../pull/record-holders';
import { unlink } from '../pull/soft-delete';
import { acceptChanges } from '../records/accept-changes';
import { lockMappings } from '../records/mapping-lock';
import { type Drift, MISSING_THERE } from './drifts';

export const DRIFT_DECISIONS = ['repair', 'accept'] as const;
export type DriftDecision = (typeof DRIFT_DECISIONS)[number];

interface DriftedType {
  integrationId: string;
  recordType: string;
  mapping: RecordTypeMapping;
}

export interface ChangedRecord {
  recordId: string;
  externalId: string;
  version: number;
  /** The values there of the local fields that differ. */
  found: JsonObject;
}

export type MissingRecord = Omit<ChangedRecord, 'found'>;

export interface Drifted {
  changed?: readonly ChangedRecord[];
  missing?: readonly MissingRecord[];
}

/**
 * Pushes the records again. A missing record loses its link, so that its push creates it.
 * @param isBraked a nightly run repairs: the safety thresholds of pushes apply. @returns the ids of the
 * records that will be pushed; held ones are left out.
 */
export async function repairDrifts(
  work: TenantWork,
  { integrationId, recordType, mapping }: DriftedType,
  { changed = [], missing = [] }: Drifted,
  { actor, isBraked }: { actor: string; isBraked: boolean },
): Promise<string[]> {
  await lockMappings(work, 'shared');
  const open = (due: readonly MissingRecord[], effect: BrakedEffect) =>
    openManualWindows(
      work,
      { integrationId },
      {
        recordType,
        due,
        actor,
        fields: mappedFieldNames(mapping),
        effect: isBraked ? effect : null,
        ...(isBraked && { kind: PUSH_KINDS.bulk }),
      },
    );
  const repaired = await open(changed, 'overwrite');
  const created = await open(missing, 'create');
  if (created.length > 0)
    await work.trx
      .deleteFrom('recordLinks')
      .where('tenantId', '=', work.tenantId)
      .where('integrationId', '=', integrationId)
      .where('recordId', 'in', created)
      .execute();
  if (repaired.length + created.length > 0) await enqueuePush(work, { integrationId, nextDueAt: work.now });
  return [...repaired, ...created];
}

/**
 * The values there become changes of the records, for every integration. A missing record loses its link and
 * is created there again by an edit only (rules.md 50). @returns the ids of the records that were changed.
 */
export async function acceptDrifts(
  work: TenantWork,
  { integrationId, recordType }: DriftedType,
  { changed = [], missing = [] }: Drifted,
  author: ChangeAuthor,
): Promise<string[]> {
  const differing = changed.filter(({ found }) => Object.keys(found).length > 0);
  const results = await acceptChanges(
    work,
    differing.map(({ externalId, found }) => ({
      kind: 'patch' as const,
      recordType,
      externalId,
      fields: found,
    })),
    author,
  );
  const accepted = differing.filter((_, index) => results[index]?.outcome === 'accepted');
  const missingIds = missing.map(({ recordId }) => recordId);
  if (missingIds.length > 0) {
    await unlink(work, integrationId, missingIds);
    await noteAbsence(work, { integrationId, recordType }, missingIds);
  }
  return [...accepted.map(({ recordId }) => recordId), ...missingIds];
}

/**
 * Decides all drifts of these records. @returns the ids of the records that the decision applied to; the
 * others were changed since, are held, or hold a value that the mapping cannot express.
 */
export async function decideDrifts(
  work: TenantWork,
  type: DriftedType,
  drifts: readonly Drift[],
  { decision, author }: { decision: DriftDecision; author: ChangeAuthor },
): Promise<string[]> {
  const records = await readRecords(work, type, [...new Set(drifts.map(({ recordId }) => recordId))]);
  const changed: ChangedRecord[] = [];
  const missing: MissingRecord[] = [];
  for (const { fields, isSynced, ...record } of records) {
    const own = drifts.filter(({ recordId }) => recordId === record.recordId);
    if (own.some(({ place }) => place === MISSING_THERE)) missing.push(record);
    // An edit in Syncline that waits for its push is newer than what was found there.
    else if (decision === 'repair' || isSynced) {
      const remote = Object.fromEntries(own.map(({ place, found }) => [place, found as JsonValue]));
      const members = new Set(Object.keys(remote));
      changed.push({ ...record, found: acceptedFields(type.mapping, fields, remote, members) });
    }
  }
  const { actor } = author;
  return decision === 'repair'
    ? repairDrifts(work, type, { changed, missing }, { actor, isBraked: false })
    : acceptDrifts(work, type, { changed, missing }, author);
}

type DriftedRecord = MissingRecord & { fields: JsonObject; isSynced: boolean };

async function readRecords(
  { trx, tenantId }: TenantWork,
  { integrationId }: DriftedType,
  recordIds: readonly string[],
): Promise<DriftedRecord[]> {
  const { rows } = await sql<DriftedRecord>`
    select record.*, coalesce((
      select true from record_syncs
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = record.record_id and status = 'synced' and window_opened_at is null limit 1
    ), false) as is_synced
    from unnest(${[...recordIds]}::uuid[]) as wanted(record_id)
    cross join lateral (
      select record_id, external_id, version, fields from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = wanted.record_id
        and deleted_at is null limit 1) record
    order by record.record_id`.execute(trx);
  return rows;
}
