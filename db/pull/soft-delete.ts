/** Unlinks records that an integration no longer lists, and soft-deletes those it made (rules.md 31, 50). */
import { sql } from 'kysely';
import type { TenantWork } from '../database';
import { lockMappings } from '../records/mapping-lock';
import type { RecordDraft } from '../../domain/records/record-draft';
import { findAcceptingIntegrations } from '../records/accepting-integrations';
import { writeRecordSyncs } from '../records/update-record-syncs';
import { writeRecords } from '../records/write-records';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { parkEdited } from './edited-and-missing';
import { type PassKey, pullAuthor } from './page';
import { findHeldElsewhere, noteAbsence } from './record-holders';
import { markDeletionsApplied, selectReviewedDeletions } from './reviewed-items';

interface RecordRow {
  recordId: string;
  externalId: string;
  version: number;
  fields: RecordDraft['after']['fields'];
  occurredAt: Date;
  changedAt: Date;
  isDeleted: boolean;
}

interface Missing extends PassKey {
  recordIds: readonly string[];
  /** Those that were linked or pushed since are not missing. */
  linkedBefore: Date | null;
  /** Only those whose deletion was reviewed in this overview; their items are applied. */
  overviewId?: string | undefined;
}

/**
 * The deletion is a change for every other integration and for none at the one it came from. The links go, so
 * a record that appears there again is found by its external id and restored. A record that something else
 * holds only loses its link.
 * @returns the records that were deleted now: not those that were deleted before, nor those that are kept.
 */
export async function softDelete(
  work: TenantWork,
  { recordIds: missing, linkedBefore, overviewId, integrationId, syncRunId, recordType }: Missing,
): Promise<RecordDraft[]> {
  const { now } = work;
  const pass = { integrationId, syncRunId, recordType };
  await lockMappings(work, 'shared');
  const rows = await lockRecords(work, pass, missing.toSorted());
  const deletions =
    overviewId === undefined
      ? await selectStillMissing(work, pass, missing, linkedBefore)
      : await selectReviewedDeletions(work, { ...pass, overviewId, linkedBefore }, missing);
  const recordIds = await parkEdited(work, pass, deletions);
  if (overviewId !== undefined) await markDeletionsApplied(work, { overviewId, recordType }, recordIds);
  if (recordIds.length === 0) return [];
  const deletable = new Set(recordIds);
  const held = await findHeldElsewhere(work, pass, recordIds);
  const drafts = rows
    .filter(({ isDeleted, recordId }) => deletable.has(recordId) && !isDeleted && !held.has(recordId))
    .map(({ recordId, externalId, changedAt, ...before }): RecordDraft => ({
      recordId,
      recordType: pass.recordType,
      externalId,
      before,
      after: { ...before, version: before.version + 1, isDeleted: true },
      changedFields: new Set(),
      isTouched: true,
      changedAt: changedAt > now ? changedAt : now,
    }));
  const author = pullAuthor(pass);
  await writeRecords(work, drafts, author.actor);
  const others = await findAcceptingIntegrations(work, {
    recordTypes: [pass.recordType],
    except: pass.integrationId,
  });
  await writeRecordSyncs(work, others, drafts, author);
  await unlink(work, pass.integrationId, recordIds);
  await noteAbsence(work, pass, [...held]);
  return drafts;
}

/** With their record syncs: until they are deleted, no push of them begins or ends. */
async function lockRecords(
  { trx, tenantId }: TenantWork,
  { integrationId }: PassKey,
  recordIds: readonly string[],
): Promise<RecordRow[]> {
  const wanted = sql`unnest(${[...recordIds]}::uuid[]) as wanted(record_id)`;
  const { rows } = await sql<RecordRow>`
    select record.record_id, record.external_id, record.version, record.fields, record.occurred_at, record.changed_at,
      record.deleted_at is not null as is_deleted
    from ${wanted}
    cross join lateral (
      select * from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = wanted.record_id for update) record`.execute(
    trx,
  );
  await sql`
    select from ${wanted}
    cross join lateral (
      select from record_syncs
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = wanted.record_id for update) record_sync`.execute(trx);
  return rows;
}

/** A statement after the locks sees what was linked or pushed before they were granted. */
async function selectStillMissing(
  { trx, tenantId }: TenantWork,
  { integrationId }: PassKey,
  recordIds: readonly string[],
  linkedBefore: Date | null,
): Promise<string[]> {
  const { rows } = await sql<{ recordId: string }>`
    select link.record_id from unnest(${[...recordIds]}::uuid[]) as missing(record_id)
    cross join lateral (
      select record_id from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = missing.record_id and updated_at < ${linkedBefore} limit 1) link
    order by link.record_id`.execute(trx);
  return rows.map(({ recordId }) => recordId);
}

/** Removes links and record syncs, and closes pushes that were waiting for the removed records. */
export async function unlink(
  { trx, tenantId, now }: TenantWork,
  integrationId: string,
  recordIds: string[],
): Promise<void> {
  const recordSyncs = await trx
    .deleteFrom('recordSyncs')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('recordId', 'in', recordIds)
    .returning('pushId')
    .execute();
  const pushIds = recordSyncs.flatMap(({ pushId }) => pushId ?? []);
  if (pushIds.length > 0)
    await trx
      .updateTable('pushes')
      .set({ result: 'closed', finishedAt: now })
      .where('tenantId', '=', tenantId)
      .where('pushId', 'in', pushIds)
      .execute();
  await trx
    .deleteFrom('recordLinks')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('recordId', 'in', recordIds)
    .execute();
}
