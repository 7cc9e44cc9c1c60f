/**
 * Compares a page of remote records with what was pushed (rules.md 54). Only records that are Synced count:
 * of the others it is known that the third party lacks a change.
 */
import { sql } from 'kysely';
import type { JsonObject } from '../../domain/json';
import { acceptedFields } from '../../domain/pull/accepted-fields';
import { remoteDifference } from '../../domain/pull/remote-difference';
import { pushTarget, type RecordTypeMapping } from '../../domain/records/mapping';
import type { Notation } from '../../domain/records/notation';
import type { TenantWork } from '../database';
import { type LearnedNotation, learnNotations } from '../overviews/compared-links';
import type { SyncJob } from '../pull/job-rows';
import { findLinked } from '../pull/page-stages/find-linked';
import { PUSH_RECORDED_WITHIN_MS, type RecordError } from '../pull/page';
import { openPage } from '../pull/page-stages/open-page';
import { writeCheckpoint } from '../pull/page-stages/save-checkpoint';
import { insertRecordErrors } from '../pull/record-errors';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { sanitizeForPostgres } from '../sql/sanitize-text';
import type { ChangedRecord } from './decide-drifts';
import { type NewDrift, replaceDrifts, type Verification } from './drifts';

export interface PageToVerify {
  records: readonly { remoteId: string; fields: JsonObject; isDeleted: boolean }[];
  /** Records that are listed and cannot be compared. They are not missing there. */
  unreadable: readonly RecordError[];
  nextCursor: string | null;
  total: number | null;
  mapping: RecordTypeMapping;
  pagesBefore: number;
  requestedAt: Date;
}

export interface VerifiedPage {
  job: SyncJob;
  isInterrupted: boolean;
  /** Records that differ. */
  drifted: readonly DriftedRecord[];
}

interface DriftedRecord extends ChangedRecord {
  drifts: readonly Omit<NewDrift, 'recordId'>[];
}

/** @returns undefined if the job has ended or another worker has continued with it. */
export async function verifyPage(
  work: TenantWork,
  key: Verification,
  page: PageToVerify,
): Promise<VerifiedPage | undefined> {
  const { integrationId, recordType } = key;
  const records = page.records.filter(({ isDeleted }) => !isDeleted);
  const pass = { ...key, recordType: key.job };
  const { pagesBefore } = page;
  const refused = page.unreadable.map((one) => sanitizeForPostgres(one));
  const open = await openPage(work, { ...pass, pagesBefore, records, tombstones: [], refused });
  if (open === undefined) return undefined;
  const { linked } = await findLinked(
    work,
    { integrationId, recordType },
    [...records, ...refused].flatMap(({ remoteId }) => (remoteId === null ? [] : [{ remoteId, hash: null }])),
  );
  const seen = [...linked.values()].map(({ recordId }) => recordId);
  const remoteOf = new Map(
    records.flatMap(({ remoteId, fields }) => {
      const link = linked.get(remoteId);
      return link === undefined ? [] : [[link.recordId, fields] as const];
    }),
  );
  const synced = await readSynced(work, { integrationId, recordIds: [...remoteOf.keys()], ...page });
  const compared = synced.map((record) => compare(page.mapping, record, remoteOf.get(record.recordId) ?? {}));
  await learnNotations(work, {
    integrationId,
    requestedAt: page.requestedAt,
    learned: compared.flatMap(({ learned }) => learned ?? []),
  });
  const drifted = compared.filter(({ drifts }) => drifts.length > 0);
  const unreadable = seen.filter((recordId) => !remoteOf.has(recordId));
  await replaceDrifts(work, key, {
    // What an unreadable record holds is no longer known.
    recordIds: [...synced.map(({ recordId }) => recordId), ...unreadable],
    listed: seen,
    drifts: drifted.flatMap(({ recordId, drifts }) => drifts.map((drift) => ({ recordId, ...drift }))),
  });
  const { job, isRepeated, idsDigest, isInterrupted } = open;
  const read = records.length + refused.length;
  const progress = {
    cursor: page.nextCursor,
    pages: job.pages + 1,
    repeatedPages: isRepeated || read === 0 ? job.repeatedPages + 1 : 0,
    readFinishedAt: page.nextCursor === null ? work.now : null,
    expectedRecords: job.expectedRecords ?? page.total,
    remoteTotal: page.total ?? job.remoteTotal,
    recordsRead: job.recordsRead + (isRepeated ? 0 : read),
    recordsFailed: job.recordsFailed + (isRepeated ? 0 : refused.length),
    // Nothing changes here.
    recordsUnchanged: job.recordsUnchanged + (isRepeated ? 0 : records.length),
    deletesWithheld: hasUnknown(refused) ? ('list_changed' as const) : job.deletesWithheld,
  };
  if (!isRepeated) await insertRecordErrors(work, job, refused);
  const stored = { number: pagesBefore, idsDigest, seen, created: [], changed: [] };
  return { job: await writeCheckpoint(work, pass, stored, progress), isInterrupted, drifted };
}

/** A record without an id may be one that seems to be missing. */
const hasUnknown = (refused: readonly RecordError[]): boolean =>
  refused.some(({ remoteId }) => remoteId === null);

interface SyncedRecord {
  recordId: string;
  externalId: string;
  version: number;
  fields: JsonObject;
  isDeleted: boolean;
  notation: Notation | null;
}

/**
 * Records that both sides agreed on before the page was requested. A page that was requested before a push
 * was recorded may show earlier values.
 */
async function readSynced(
  { trx, tenantId }: TenantWork,
  {
    integrationId,
    recordIds,
    requestedAt,
  }: { integrationId: string; recordIds: readonly string[]; requestedAt: Date },
): Promise<SyncedRecord[]> {
  if (recordIds.length === 0) return [];
  const agreedBefore = new Date(requestedAt.getTime() - PUSH_RECORDED_WITHIN_MS);
  const { rows } = await sql<SyncedRecord>`
    select record.*, link.notation from unnest(${[...recordIds]}::uuid[]) as wanted(record_id)
    cross join lateral (
      select notation from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = wanted.record_id and not is_deactivated and updated_at <= ${agreedBefore}::timestamptz
      limit 1) link
    cross join lateral (
      select from record_syncs
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = wanted.record_id and status = 'synced' and window_opened_at is null
        and discarded_at is null limit 1) record_sync
    cross join lateral (
      select record_id, external_id, version, fields, false as is_deleted from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = wanted.record_id
        and deleted_at is null limit 1) record`.execute(trx);
  return rows;
}

interface Compared extends DriftedRecord {
  learned: LearnedNotation | null;
}

function compare(mapping: RecordTypeMapping, record: SyncedRecord, remote: JsonObject): Compared {
  const { recordId, externalId, version, fields, notation } = record;
  const same = { recordId, externalId, version, drifts: [], found: {}, learned: null };
  const target = pushTarget(mapping, record);
  if (target.operation !== 'upsert') return same;
  const { payload } = target;
  const { difference, learned } = remoteDifference(mapping, { fields, payload }, remote, notation);
  const drifts = Object.keys(difference?.after ?? {}).map((place) => ({
    place,
    expected: difference?.after[place] ?? null,
    found: difference?.before[place] ?? null,
  }));
  const found = acceptedFields(mapping, fields, remote, new Set(drifts.map(({ place }) => place)));
  return { ...same, drifts, found, learned: learned === null ? null : { recordId, notation: learned } };
}
