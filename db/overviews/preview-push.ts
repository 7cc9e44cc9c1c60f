/**
 * The push part of an overview (rules.md 22): what the third party holds is compared with what Syncline would
 * send; where it cannot be read, the comparison is with the last push. A Sync Now without an overview finds
 * its changes in the same way.
 */
import { sql } from 'kysely';
import type { JsonObject } from '../../domain/json';
import type { OverviewAction } from '../../domain/overviews/overview';
import { remoteDifference } from '../../domain/pull/remote-difference';
import {
  isEligible,
  pushTarget,
  type PushTarget,
  type RecordTypeMapping,
} from '../../domain/records/mapping';
import { knownFrom, withEmptiedFields } from '../../domain/records/notation';
import type { TenantWork } from '../database';
import type { Integration } from '../integrations/integrations';
import { isInPart } from '../pull/comparison/seen-ids';
import { findLinked } from '../pull/page-stages/find-linked';
import { hashOfTarget } from '../records/payload-hash';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { changeOverviewJob, lockOverviewJob, type OverviewJobKey } from './overview-jobs';
import { type LocalChunk, placeAfter, readChunk, type SyncedRecord } from './local-chunk';
import {
  addCounts,
  type Checkpoint,
  insertItems,
  type LocalRecord,
  lockForPage,
  type NewItem,
  notPossible,
  readLocalRecords,
  savePage,
  type StepResult,
} from './overview-pages';
import { isCanceled } from './overviews';
import { type ComparedLink, type LearnedNotation, learnNotations, readComparedLinks } from './compared-links';

type ComparedIntegration = Pick<Integration, 'integrationId' | 'recordTypes' | 'initialPush'>;

/** A record as the third party holds it. */
interface RemoteState {
  remoteId: string;
  /** null = not known. */
  fields: JsonObject | null;
  /** Why it cannot be compared. */
  problem?: string;
}

export interface ComparedPage {
  integration: ComparedIntegration;
  pagesBefore: number;
  records: readonly { remoteId: string; fields: JsonObject; isDeleted: boolean }[];
  /** Records that are listed and cannot be compared. */
  unreadable: readonly { remoteId: string | null; message: string }[];
  requestedAt: Date;
}

/**
 * Compares a page of remote records with the local records they are linked to. Remote records without a link
 * are ignored.
 */
export async function comparePage(
  work: TenantWork,
  key: OverviewJobKey,
  { integration, pagesBefore, records, unreadable, requestedAt }: ComparedPage,
  checkpoint: Checkpoint,
): Promise<StepResult> {
  const job = await lockForPage(work, key, pagesBefore);
  if (job === undefined) return undefined;
  const mapping = mappingOf(integration, key);
  const remotes = new Map<string, RemoteState>();
  for (const { remoteId, message: problem } of unreadable)
    if (remoteId !== null) remotes.set(remoteId, { remoteId, fields: null, problem });
  for (const record of records) if (!record.isDeleted) remotes.set(record.remoteId, record);
  const { integrationId } = integration;
  const remoteIds = [...remotes.keys()];
  const { linked } = await findLinked(
    work,
    { integrationId, recordType: key.recordType },
    remoteIds.map((remoteId) => ({ remoteId, hash: null })),
  );
  const remoteOf = new Map([...linked].map(([remoteId, { recordId }]) => [recordId, remotes.get(remoteId)]));
  const held = await readLocalRecords(work, [...remoteOf.keys()]);
  const compared = await withPulledChanges(work, key, held);
  const links = await readComparedLinks(work, { integrationId, recordIds: [...remoteOf.keys()] });
  const findings = compared.map((record) =>
    compareRecord(mapping, record, remoteOf.get(record.recordId) ?? null, links.get(record.recordId)),
  );
  await learnNotations(work, {
    integrationId,
    requestedAt,
    learned: findings.flatMap(({ learned }) => (learned === null ? [] : [learned])),
  });
  const items = findings.flatMap((found) => found.items);
  return savePage(
    work,
    job,
    { ...checkpoint, isLast: false },
    {
      items,
      unchanged: compared.length - items.length,
      read: records.length + unreadable.length,
      seen: held.map(({ recordId }) => recordId),
      remoteIds,
    },
  );
}

interface ComparedRecord {
  items: NewItem[];
  learned: LearnedNotation | null;
}

function compareRecord(
  mapping: RecordTypeMapping,
  record: LocalRecord,
  remote: RemoteState | null,
  link: ComparedLink | undefined,
): ComparedRecord {
  const notation = link?.notation ?? null;
  const target = pushTarget(mapping, record, knownFrom(notation));
  if (target.operation === 'deactivate' && link?.isDeactivated === true) return { items: [], learned: null };
  if (target.operation !== 'upsert' || remote === null)
    return { items: itemsOfTarget(target, record, remote), learned: null };
  if (remote.fields === null) {
    const item = { ...itemOf(record, remote.remoteId), reason: remote.problem ?? null };
    return { items: [notPossible(item)], learned: null };
  }
  const { fields, recordId } = record;
  const payload = withEmptiedFields(target.payload, mapping, { fields, agreed: null, notation });
  const { difference, learned } = remoteDifference(mapping, { fields, payload }, remote.fields, notation);
  return {
    items:
      difference === null ? [] : [{ ...itemOf(record, remote.remoteId), action: 'update', ...difference }],
    learned: learned === null ? null : { recordId, notation: learned },
  };
}

const itemOf = (record: LocalRecord, remoteId: string | null) => ({
  recordId: record.recordId,
  externalId: record.externalId,
  remoteId,
  baseVersion: record.version,
  remoteHash: null,
  reason: null,
});

/** `remote`: null = the third party has no such record; `fields`: null = its values are not known. */
function itemsOfTarget(
  target: PushTarget,
  record: LocalRecord,
  remote: { remoteId: string; fields: JsonObject | null } | null,
): NewItem[] {
  const item = itemOf(record, remote?.remoteId ?? null);
  switch (target.operation) {
    case 'upsert':
      return [
        { ...item, action: remote === null ? 'create' : 'update', before: null, after: target.payload },
      ];
    case 'invalid':
      return [notPossible({ ...item, reason: target.errors.map(({ message }) => message).join(' ') })];
    case 'leave':
      return [];
    default: {
      if (remote === null) return [];
      const reason =
        target.operation === 'deactivate'
          ? 'The record is deactivated at the third party, not deleted.'
          : null;
      return [{ ...item, action: 'delete', before: remote.fields, after: null, reason }];
    }
  }
}

/**
 * Records as they will be after the pull part, which runs first (rules.md 22). Records that the pull part
 * deletes are left out, since nothing is pushed for them.
 */
async function withPulledChanges<T extends LocalRecord>(
  { trx, tenantId }: TenantWork,
  { overviewId, recordType }: OverviewJobKey,
  records: readonly T[],
): Promise<T[]> {
  if (records.length === 0) return [];
  const { rows } = await sql<{ recordId: string; action: OverviewAction; after: JsonObject | null }>`
    select item.* from unnest(${records.map(({ recordId }) => recordId)}::uuid[]) as wanted(record_id)
    cross join lateral (
      select record_id, action, after from overview_items
      where tenant_id = ${opaqueToPlanner(tenantId)} and overview_id = ${opaqueToPlanner(overviewId)}
        and record_id = wanted.record_id and record_type = ${recordType}
        and direction = 'pull' and action <> 'not_possible' limit 1) item`.execute(trx);
  const pulled = new Map(rows.map((item) => [item.recordId, item]));
  return records.flatMap((record) => {
    const item = pulled.get(record.recordId);
    if (item === undefined) return [record];
    if (item.action === 'delete') return [];
    return [{ ...record, isDeleted: false, fields: { ...record.fields, ...item.after } }];
  });
}

/**
 * Compares the next local records that no page has shown. `isReadable`: every page was read, so these do not
 * exist at the third party; otherwise their payload is compared with the last push.
 */
export async function compareLocalRecords(
  work: TenantWork,
  key: OverviewJobKey,
  {
    integration,
    isReadable,
    limit,
    seen,
    ...part
  }: LocalChunk & { integration: ComparedIntegration; isReadable: boolean },
): Promise<StepResult> {
  const job = await lockOverviewJob(work, key);
  if (job === undefined || job.finishedAt !== null || (await isCanceled(work, key))) return undefined;
  // Another worker has continued with the next part.
  if (job.comparedPart !== part.part) return job;
  const mapping = mappingOf(integration, key);
  const chunk = await readChunk(work, job, { integrationId: integration.integrationId, limit });
  const unseen = await withPulledChanges(
    work,
    key,
    chunk.filter(({ recordId }) => isInPart(recordId, part) && !seen.has(recordId)),
  );
  const relevant = unseen.filter((record) => isRelevant(mapping, integration, record));
  const items = relevant.flatMap((record) => itemsOfUnseen(mapping, record, { isReadable }));
  await insertItems(work, key, items);
  await addCounts(work, job, {
    items,
    unchanged: isReadable ? 0 : relevant.length - items.length,
    read: isReadable ? 0 : chunk.length,
  });
  const place = placeAfter(chunk, { limit, ...part });
  await changeOverviewJob(work, key, {
    ...place,
    readFinishedAt: place.comparedPart === part.parts ? work.now : null,
  });
  return lockOverviewJob(work, key);
}

/** As for the initial push after linking (rules.md 15). */
function isRelevant(
  mapping: RecordTypeMapping,
  { initialPush }: Pick<Integration, 'initialPush'>,
  record: SyncedRecord,
): boolean {
  if (record.isAbsent || (initialPush === 'none' && !record.hasRecordSync)) return false;
  return isEligible(mapping, record) || record.hasBeenSent;
}

function itemsOfUnseen(
  mapping: RecordTypeMapping,
  record: SyncedRecord,
  { isReadable }: { isReadable: boolean },
): NewItem[] {
  const target = pushTarget(mapping, record);
  if (target.operation === 'deactivate' && record.isDeactivated) return [];
  const isUnchanged = isReadable
    ? target.operation !== 'upsert' && target.operation !== 'invalid'
    : hashOfTarget(target) === record.knownHash;
  if (isUnchanged) return [];
  const remote = record.remoteId === null ? null : { remoteId: record.remoteId, fields: null };
  return itemsOfTarget(target, record, remote);
}

function mappingOf(
  { recordTypes }: Pick<Integration, 'recordTypes'>,
  { recordType }: OverviewJobKey,
): RecordTypeMapping {
  const mapping = recordTypes[recordType];
  if (mapping === undefined) throw new Error(`The integration maps no record type ${recordType}.`);
  return mapping;
}
