/**
 * What an overview shows: found page by page with the very code that applies pages, and written as items instead of records. A page, its
 * items and the job's checkpoint are one transaction; a page that comes twice counts once (rules.md 21 to 23).
 */
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { type JsonObject, pickMembers } from '../../domain/json';
import { isEligible, type RecordTypeMapping } from '../../domain/records/mapping';
import type { OverviewAction } from '../../domain/overviews/overview';
import { payloadDifference } from '../../domain/records/payload-difference';
import { pushTarget, type PushTarget } from '../../domain/push/push-target';
import type { TenantWork } from '../database';
import { newUuid } from '../sql/ids';
import type { Integration } from '../integrations/integrations';
import { lockMappings } from '../records/mapping-lock';
import {
  changeOverviewJob,
  isCanceled,
  lockOverviewJob,
  type OverviewJob,
  type OverviewJobKey,
} from './overviews';
import { hashOfTarget } from '../records/payload-hash';
import { mergeKnown, type PulledDraft } from '../pull/merge-page';
import { findKnown, findLinked } from '../pull/match-records';
import { rowsFrom, opaqueToPlanner } from '../sql/bulk-rows';
import { sanitizeForPostgres } from '../sql/sanitize-text';
import type { PageToApply } from '../pull/apply-page';

export interface NewItem {
  action: OverviewAction;
  recordId: string | null;
  externalId: string | null;
  remoteId: string | null;
  baseVersion: number | null;
  remoteHash: string | null;
  before: JsonObject | null;
  after: JsonObject | null;
  reason: string | null;
}

/** What a page came to. */
interface Looked {
  items: NewItem[];
  unchanged: number;
  read: number;
  /** Records of ours that it showed. */
  seen: string[];
  /** Of the list; tells one that goes round in circles. */
  idsDigest: string;
}

export interface Checkpoint {
  cursor: string | null;
  isLast: boolean;
  total: number | null;
}

/** undefined: somebody else went on with it, or it is over. */
export type Previewed = OverviewJob | undefined;

/** A page of theirs, as it would be applied here. */
export async function previewPage(
  work: TenantWork,
  place: OverviewJobKey,
  page: PageToApply,
  checkpoint: Checkpoint,
): Promise<Previewed> {
  const job = await lockForPage(work, place, page.pagesBefore);
  if (job === undefined) return undefined;
  await lockMappings(work, 'shared');
  const known = await findKnown(work, page);
  const { drafts, unchanged, refused } = await mergeKnown(work, page, known);
  const touched = drafts.filter(({ draft }) => draft.isTouched);
  const items = [
    ...touched.map(itemOfDraft),
    ...[...page.refused, ...refused].map(({ remoteId, message }) =>
      notPossible({ remoteId, reason: message }),
    ),
  ];
  return note(work, place, job, checkpoint, {
    items,
    unchanged: unchanged.length + drafts.length - touched.length,
    read: page.records.length + page.refused.length,
    seen: [
      ...drafts.flatMap(({ draft }) => (draft.before === null ? [] : [draft.recordId])),
      ...unchanged,
      ...known.refused,
      ...known.duplicateLinks,
    ],
    idsDigest: digestOf(page.records.map(({ remoteId }) => remoteId)),
  });
}

function itemOfDraft({ draft, remote }: PulledDraft): NewItem {
  return {
    action: draft.before === null || draft.before.isDeleted ? 'create' : 'update',
    recordId: draft.before === null ? null : draft.recordId,
    externalId: draft.externalId,
    remoteId: remote.remoteId,
    baseVersion: draft.before?.version ?? null,
    remoteHash: remote.hash,
    before: draft.before === null ? null : pickMembers(draft.before.fields, draft.changedFields),
    after: pickMembers(draft.after.fields, draft.changedFields),
    reason: null,
  };
}

function notPossible(what: Pick<NewItem, 'reason'> & Partial<NewItem>): NewItem {
  return {
    action: 'not_possible',
    recordId: null,
    externalId: null,
    remoteId: null,
    baseVersion: null,
    remoteHash: null,
    before: null,
    after: null,
    ...what,
  };
}

/** Linked records that no page showed: a sync would delete them here. Made once, after the last page. */
export async function previewDeletions(
  work: TenantWork,
  place: OverviewJobKey,
  { integrationId }: Pick<Integration, 'integrationId'>,
): Promise<void> {
  const job = await lockOverviewJob(work, place);
  if (job === undefined || job.finishedAt !== null || job.deletes > 0) return;
  const { trx, tenantId } = work;
  await sql`set local enable_nestloop = off`.execute(trx);
  const { rows } = await sql<{ recordId: string; remoteId: string }>`
    with seen as materialized (
      select unnest(page.seen) as record_id from overview_pages page
      where page.tenant_id = ${opaqueToPlanner(tenantId)} and page.overview_id = ${opaqueToPlanner(place.overviewId)} and page.record_type = ${place.recordType} and page.direction = 'pull')
    select link.record_id, link.remote_id from record_links link
    where link.tenant_id = ${opaqueToPlanner(tenantId)} and link.integration_id = ${opaqueToPlanner(integrationId)} and link.record_type = ${place.recordType}
      and link.updated_at < ${job.startedAt} and not exists (select from seen where seen.record_id = link.record_id)`.execute(
    trx,
  );
  await sql`set local enable_nestloop = on`.execute(trx);
  let deletes = 0;
  for (let from = 0; from < rows.length; from += DELETIONS_AT_ONCE) {
    const remoteIds = new Map(
      rows.slice(from, from + DELETIONS_AT_ONCE).map(({ recordId, remoteId }) => [recordId, remoteId]),
    );
    const records = (await readRecords(work, [...remoteIds.keys()])).filter(({ isDeleted }) => !isDeleted);
    await insertItems(
      work,
      place,
      records.map((record) => itemOfDeletion(record, remoteIds.get(record.recordId) ?? null)),
    );
    deletes += records.length;
  }
  await changeOverviewJob(work, place, { deletes });
}

/** Their fields are large; their ids are not. */
const DELETIONS_AT_ONCE = 1_000;

const itemOfDeletion = (
  { recordId, externalId, version, fields }: OurRecord,
  remoteId: string | null,
): NewItem => ({
  action: 'delete',
  recordId,
  externalId,
  remoteId,
  baseVersion: version,
  remoteHash: null,
  before: fields,
  after: null,
  reason: null,
});

/** True where a record was on two pages: the list has moved while it was read. */
export async function hasPreviewedTwice(
  { trx, tenantId }: TenantWork,
  place: OverviewJobKey,
): Promise<boolean> {
  const { rows } = await sql<{ hasTwice: boolean }>`
    select count(*) > count(distinct seen.record_id) as has_twice
    from overview_pages page cross join lateral unnest(page.seen) as seen(record_id)
    where page.tenant_id = ${opaqueToPlanner(tenantId)} and page.overview_id = ${opaqueToPlanner(place.overviewId)} and page.record_type = ${place.recordType} and page.direction = ${place.direction}`.execute(
    trx,
  );
  return rows[0]?.hasTwice ?? false;
}

interface OurRecord {
  recordId: string;
  externalId: string;
  version: number;
  fields: JsonObject;
  isDeleted: boolean;
}

async function readRecords(
  { trx, tenantId }: TenantWork,
  recordIds: readonly string[],
): Promise<OurRecord[]> {
  if (recordIds.length === 0) return [];
  const { rows } = await sql<OurRecord>`
    select record.* from unnest(${[...recordIds]}::uuid[]) as wanted(record_id)
    cross join lateral (
      select record_id, external_id, version, fields, deleted_at is not null as is_deleted
      from records where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = wanted.record_id) record`.execute(
    trx,
  );
  return rows;
}

/** A record as the third party holds it. */
export interface TheirRecord {
  remoteId: string;
  fields: JsonObject;
  isDeleted: boolean;
}

export interface ComparedPage {
  integration: Pick<Integration, 'integrationId' | 'recordTypes' | 'initialPush'>;
  pagesBefore: number;
  records: readonly TheirRecord[];
}

/** A page of theirs against what they should hold. Records of theirs that are none of ours are none of our business. */
export async function comparePage(
  work: TenantWork,
  place: OverviewJobKey,
  page: ComparedPage,
  checkpoint: Checkpoint,
): Promise<Previewed> {
  const job = await lockForPage(work, place, page.pagesBefore);
  if (job === undefined) return undefined;
  const mapping = mappingOf(page.integration, place);
  const theirs = new Map(
    page.records.filter(({ isDeleted }) => !isDeleted).map((record) => [record.remoteId, record]),
  );
  const { linked } = await findLinked(
    work,
    { integration: page.integration, recordType: place.recordType },
    [...theirs.keys()].map((remoteId) => ({ remoteId, hash: null })),
  );
  const remoteOf = new Map(
    [...linked].map(([remoteId, { recordId }]) => [recordId, theirs.get(remoteId) as TheirRecord]),
  );
  const held = await readRecords(work, [...remoteOf.keys()]);
  const ours = await asPulled(work, place, held);
  const items = ours.flatMap((record) => {
    const remote = remoteOf.get(record.recordId) as TheirRecord;
    return itemsOfTarget(pushTarget(mapping, record), record, {
      remoteId: remote.remoteId,
      fields: remote.fields,
    });
  });
  const looked = {
    items,
    unchanged: ours.length - items.length,
    read: page.records.length,
    seen: held.map(({ recordId }) => recordId),
  };
  return note(
    work,
    place,
    job,
    { ...checkpoint, isLast: false },
    { ...looked, idsDigest: digestOf([...theirs.keys()]) },
  );
}

/** `remote`: null = they have none, or cannot tell. */
function itemsOfTarget(
  target: PushTarget,
  record: OurRecord,
  remote: { remoteId: string; fields: JsonObject | null } | null,
): NewItem[] {
  const of = {
    recordId: record.recordId,
    externalId: record.externalId,
    remoteId: remote?.remoteId ?? null,
    baseVersion: record.version,
    remoteHash: null,
    reason: null,
  };
  switch (target.operation) {
    case 'upsert': {
      if (remote === null) return [{ ...of, action: 'create', before: null, after: target.payload }];
      if (remote.fields === null) return [{ ...of, action: 'update', before: null, after: target.payload }];
      const difference = payloadDifference(target.payload, remote.fields);
      return difference === null ? [] : [{ ...of, action: 'update', ...difference }];
    }
    case 'invalid':
      return [notPossible({ ...of, reason: target.errors.map(({ message }) => message).join(' ') })];
    case 'leave':
      return [];
    default:
      return remote === null
        ? []
        : [
            {
              ...of,
              action: 'delete',
              before: remote.fields,
              after: null,
              reason: target.operation === 'deactivate' ? 'It is deactivated there.' : null,
            },
          ];
  }
}

/** What goes both ways is read first, then sent (rules.md 22): so as they will be by then. Without those that are gone here by then. */
async function asPulled<T extends OurRecord>(
  { trx, tenantId }: TenantWork,
  { overviewId, recordType }: OverviewJobKey,
  records: readonly T[],
): Promise<T[]> {
  if (records.length === 0) return [];
  const { rows } = await sql<{ recordId: string; action: OverviewAction; after: JsonObject | null }>`
    select item.* from unnest(${records.map(({ recordId }) => recordId)}::uuid[]) as wanted(record_id)
    cross join lateral (
      select record_id, action, after from overview_items
      where tenant_id = ${opaqueToPlanner(tenantId)} and overview_id = ${opaqueToPlanner(overviewId)} and record_id = wanted.record_id
        and record_type = ${recordType} and direction = 'pull' and action <> 'not_possible' limit 1) item`.execute(
    trx,
  );
  const pulled = new Map(rows.map((item) => [item.recordId, item]));
  return records.flatMap((record) => {
    const item = pulled.get(record.recordId);
    if (item === undefined) return [record];
    return item.action === 'delete'
      ? []
      : [{ ...record, isDeleted: false, fields: { ...record.fields, ...item.after } }];
  });
}

interface PairedRecord extends OurRecord {
  hasRecordSync: boolean;
  hasBeenSent: boolean;
  knownHash: string | null;
  remoteId: string | null;
  isDeactivated: boolean;
}

/**
 * Our records that no page of theirs has shown, a chunk at a time. `isReadable`: they were all shown, so what is left is not there;
 * otherwise ours is compared with what was sent last.
 */
export async function compareOurs(
  work: TenantWork,
  place: OverviewJobKey,
  {
    integration,
    isReadable,
    limit,
  }: { integration: ComparedPage['integration']; isReadable: boolean; limit: number },
): Promise<Previewed> {
  const job = await lockOverviewJob(work, place);
  if (job === undefined || job.finishedAt !== null || (await isCanceled(work, place))) return undefined;
  const mapping = mappingOf(integration, place);
  const ours = await readUnseen(work, place, {
    integrationId: integration.integrationId,
    after: job.afterRecordId,
    limit,
  });
  const unshown = await asPulled(
    work,
    place,
    ours.filter(({ isSeen }) => !isSeen),
  );
  const relevant = unshown.filter((record) => isOurBusiness(mapping, integration, record));
  const items = relevant.flatMap((record): NewItem[] => {
    const target = pushTarget(mapping, record);
    if (target.operation === 'deactivate' && record.isDeactivated) return [];
    const remote = record.remoteId === null ? null : { remoteId: record.remoteId, fields: null };
    if (isReadable)
      return target.operation === 'upsert' || target.operation === 'invalid'
        ? itemsOfTarget(target, record, remote)
        : [];
    return hashOfTarget(target) === record.knownHash ? [] : itemsOfTarget(target, record, remote);
  });
  const read = isReadable ? 0 : ours.length;
  const last = ours.at(-1);
  await insertItems(work, place, items);
  await count(work, place, job, { items, unchanged: isReadable ? 0 : relevant.length - items.length, read });
  await changeOverviewJob(work, place, {
    afterRecordId: last?.recordId ?? job.afterRecordId,
    readFinishedAt: ours.length < limit ? work.now : null,
  });
  return lockOverviewJob(work, place);
}

/** As for the first push after linking (rules.md 15). */
function isOurBusiness(
  mapping: RecordTypeMapping,
  { initialPush }: Pick<Integration, 'initialPush'>,
  record: PairedRecord,
): boolean {
  if (initialPush === 'none' && !record.hasRecordSync) return false;
  return isEligible(mapping, record) || record.hasBeenSent;
}

async function readUnseen(
  { trx, tenantId }: TenantWork,
  { overviewId, recordType, direction }: OverviewJobKey,
  { integrationId, after, limit }: { integrationId: string; after: string | null; limit: number },
): Promise<(PairedRecord & { isSeen: boolean })[]> {
  const { rows } = await sql<PairedRecord & { isSeen: boolean }>`
    with chunk as materialized (
      select record_id, external_id, version, fields, deleted_at is not null as is_deleted from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_type = ${recordType} and (${after}::uuid is null or record_id > ${after}::uuid)
      order by record_id limit ${limit}),
    seen as materialized (
      select unnest(seen) as record_id from overview_pages
      where tenant_id = ${tenantId} and overview_id = ${overviewId} and record_type = ${recordType} and direction = ${direction})
    select chunk.*, record_sync.record_id is not null as has_record_sync, link.remote_id, coalesce(link.is_deactivated, false) as is_deactivated,
      coalesce(record_sync.result_status is not null or record_sync.push_id is not null or record_sync.unresolved_push_id is not null, false) as has_been_sent,
      case when record_sync.push_id is null then record_sync.result_hash else record_sync.push_hash end as known_hash,
      exists (select from seen where seen.record_id = chunk.record_id) as is_seen
    from chunk
    left join lateral (select * from record_syncs where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)} and record_id = chunk.record_id limit 1) record_sync on true
    left join lateral (select remote_id, is_deactivated from record_links where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)} and record_id = chunk.record_id limit 1) link on true
    order by chunk.record_id`.execute(trx);
  return rows;
}

function mappingOf(
  { recordTypes }: Pick<Integration, 'recordTypes'>,
  { recordType }: OverviewJobKey,
): RecordTypeMapping {
  const mapping = recordTypes[recordType];
  if (mapping === undefined) throw new Error(`The integration maps no record type ${recordType}.`);
  return mapping;
}

async function lockForPage(work: TenantWork, place: OverviewJobKey, pagesBefore: number): Promise<Previewed> {
  const job = await lockOverviewJob(work, place);
  if (job === undefined || job.finishedAt !== null || job.pages !== pagesBefore) return undefined;
  return (await isCanceled(work, place)) ? undefined : job;
}

async function note(
  work: TenantWork,
  place: OverviewJobKey,
  job: OverviewJob,
  { cursor, isLast, total }: Checkpoint,
  looked: Looked,
): Promise<Previewed> {
  const { trx, tenantId, now } = work;
  const { overviewId, recordType, direction } = place;
  const isRepeated = looked.idsDigest !== '' && (await wasSeen(work, place, looked.idsDigest));
  await trx
    .insertInto('overviewPages')
    .values({
      tenantId,
      overviewId,
      recordType,
      direction,
      page: job.pages,
      idsDigest: looked.idsDigest,
      seen: isRepeated ? [] : looked.seen,
    })
    .execute();
  if (!isRepeated) await insertItems(work, place, looked.items);
  await count(work, place, job, isRepeated ? { items: [], unchanged: 0, read: 0 } : looked);
  await changeOverviewJob(work, place, {
    cursor,
    pages: job.pages + 1,
    repeatedPages: isRepeated || looked.idsDigest === '' ? job.repeatedPages + 1 : 0,
    expectedRecords: job.expectedRecords ?? total,
    readFinishedAt: isLast ? now : null,
    failingSince: null,
  });
  return lockOverviewJob(work, place);
}

async function count(
  work: TenantWork,
  place: OverviewJobKey,
  job: OverviewJob,
  { items, unchanged, read }: Pick<Looked, 'items' | 'unchanged' | 'read'>,
): Promise<void> {
  const of = (action: OverviewAction): number => items.filter((item) => item.action === action).length;
  await changeOverviewJob(work, place, {
    recordsRead: job.recordsRead + read,
    creates: job.creates + of('create'),
    updates: job.updates + of('update'),
    deletes: job.deletes + of('delete'),
    notPossible: job.notPossible + of('not_possible'),
    unchanged: job.unchanged + unchanged,
  });
}

async function wasSeen(
  { trx, tenantId }: TenantWork,
  { overviewId, recordType, direction }: OverviewJobKey,
  idsDigest: string,
): Promise<boolean> {
  const row = await trx
    .selectFrom('overviewPages')
    .select('page')
    .where('tenantId', '=', tenantId)
    .where('overviewId', '=', overviewId)
    .where('recordType', '=', recordType)
    .where('direction', '=', direction)
    .where('idsDigest', '=', idsDigest)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

const digestOf = (ids: readonly string[]): string =>
  ids.length === 0 ? '' : createHash('sha256').update(JSON.stringify(ids)).digest('base64url').slice(0, 22);

async function insertItems(
  { trx, tenantId }: TenantWork,
  { overviewId, recordType, direction }: OverviewJobKey,
  items: readonly NewItem[],
): Promise<void> {
  if (items.length === 0) return;
  const rows = items.map((item) => ({
    item_id: newUuid(),
    action: item.action,
    record_id: item.recordId,
    external_id: item.externalId,
    remote_id: item.remoteId,
    base_version: item.baseVersion,
    remote_hash: item.remoteHash,
    before: sanitizeForPostgres(item.before),
    after: sanitizeForPostgres(item.after),
    reason: item.reason === null ? null : sanitizeForPostgres(item.reason).slice(0, 1_000),
  }));
  await sql`
    insert into overview_items (tenant_id, overview_id, overview_item_id, direction, record_type, action, record_id, external_id, remote_id, base_version, remote_hash, before, after, reason)
    select ${tenantId}::uuid, ${overviewId}::uuid, item_id, ${direction}, ${recordType}, action, record_id, external_id, remote_id, base_version, remote_hash, before, after, reason
    from ${rowsFrom(rows, 'item_id uuid, action text, record_id uuid, external_id text, remote_id text, base_version bigint, remote_hash text, before jsonb, after jsonb, reason text')}`.execute(
    trx,
  );
}
