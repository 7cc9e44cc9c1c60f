/**
 * Which of our records a page's records are: by their link, else by our own id where the third party keeps it, else by `match_by`,
 * else by the id we gave it when it came here before (rules.md 13). A match that is not certain is a conflict, never a guess.
 */
import { sql } from 'kysely';
import type { JsonValue } from '../../domain/json';
import type { TenantWork } from '../database';
import { toTypeId } from '../sql/ids';
import { rowsFrom, opaqueToPlanner } from '../sql/bulk-rows';
import type { PageToApply, PulledRecord } from './apply-page';

/** A record of ours that is linked to one of theirs. */
export interface KnownRecord {
  recordId: string;
  remoteHash: string | null;
  linkedAt: Date;
}

export interface KnownRecords {
  /** Records of ours, by id, whose link says that theirs is what it was: the most of nearly every page, so nothing more is fetched of them. */
  unchanged: readonly string[];
  /** The other linked ones, by remote id. */
  linked: ReadonlyMap<string, KnownRecord>;
  /** Remote ids without a link. */
  unmatched: ReadonlySet<string>;
  /** By remote id: records of ours that have no link yet. */
  matched: ReadonlyMap<string, string>;
  /** Remote ids that several of our records fit. */
  ambiguous: readonly { remoteId: string; field: string; value: JsonValue; candidates: number }[];
  /** Remote ids of which nobody can tell yet whether they are our own creations on their way back: not touched this time. */
  undecided: ReadonlySet<string>;
  /** Linked records among those that could not be kept: they are there, so they are not missing. */
  refused: readonly string[];
  /** Records of ours that share their link with one that stands for them: as little missing. */
  duplicateLinks: readonly string[];
  hasKnownTombstones: boolean;
}

export async function findKnown(work: TenantWork, page: PageToApply): Promise<KnownRecords> {
  const refusedIds = page.refused.flatMap(({ remoteId }) => (remoteId === null ? [] : [remoteId]));
  const others = [...page.tombstones, ...refusedIds].map((remoteId) => ({ remoteId, hash: null }));
  const {
    unchanged,
    linked,
    unmatched: unlinked,
    duplicateLinks,
  } = await findLinked(work, page, [...page.records, ...others]);
  const unlinkedRecords =
    unlinked.size === 0 ? [] : page.records.filter(({ remoteId }) => unlinked.has(remoteId));
  const { matched, ambiguous } = await matchUnlinked(work, page, unlinkedRecords);
  const unmatched = unlinkedRecords.filter(({ remoteId }) => !matched.has(remoteId));
  return {
    unchanged,
    linked,
    unmatched: unlinked,
    matched,
    ambiguous,
    undecided: await findUndecided(work, page, unmatched),
    refused: refusedIds.flatMap((remoteId) => linked.get(remoteId)?.recordId ?? []),
    duplicateLinks:
      duplicateLinks.size === 0
        ? []
        : [...page.records.map(({ remoteId }) => remoteId), ...refusedIds].flatMap(
            (remoteId) => duplicateLinks.get(remoteId) ?? [],
          ),
    hasKnownTombstones: page.tombstones.some((remoteId) => linked.has(remoteId)),
  };
}

export interface LinkedRecords extends Pick<KnownRecords, 'unchanged'> {
  linked: Map<string, KnownRecord>;
  unmatched: Set<string>;
  /** Records of ours beside the one that stands for a remote id. */
  duplicateLinks: Map<string, string[]>;
}

/** Ours by their ids. Those with a hash that is as it was are told apart by the database: of them only our ids come. */
export async function findLinked(
  { trx, tenantId }: TenantWork,
  { integration, recordType }: { integration: { integrationId: string }; recordType: string },
  theirs: readonly { remoteId: string; hash: string | null }[],
): Promise<LinkedRecords> {
  const linked = new Map<string, KnownRecord>();
  const unmatched = new Set<string>();
  const duplicateLinks = new Map<string, string[]>();
  if (theirs.length === 0) return { unchanged: [], linked, unmatched, duplicateLinks };
  const wanted = theirs.map(({ remoteId, hash }, position) => ({ position, remote_id: remoteId, hash }));
  const { rows } = await sql<FoundLink | UnchangedLinks>`
    with found as (
      select row.remote_id, link.record_id, link.remote_hash, link.linked_at,
        count(*) over (partition by row.position) = 1 and link.remote_hash is not distinct from row.hash and row.hash is not null as is_unchanged
      from ${rowsFrom(wanted, 'position int, remote_id text, hash text')}
      left join lateral (
        select record_id, remote_id, remote_hash, updated_at as linked_at from record_links
        where remote_key = hashtextextended(${`${integration.integrationId} ${recordType} `}::text || row.remote_id, 0) and tenant_id = ${opaqueToPlanner(tenantId)} limit 10) link
        on link.remote_id = row.remote_id)
    select remote_id, record_id, remote_hash, linked_at, null as record_ids from found where not is_unchanged
    union all
    select null, null, null, null, string_agg(record_id::text, ',') from found where is_unchanged having count(*) > 0`.execute(
    trx,
  );
  let unchanged: string[] = [];
  // Two of ours may be linked to one of theirs: the older one stands for it. (Ordered here: the planner would walk another index for it.)
  for (const row of rows) {
    if (row.remoteId === null) unchanged = row.recordIds.split(',');
    else if (row.recordId === null) unmatched.add(row.remoteId);
    else stand(row);
  }
  return { unchanged, linked, unmatched, duplicateLinks };

  function stand({ remoteId, recordId, remoteHash, linkedAt }: KnownRecord & { remoteId: string }): void {
    const record = { recordId, remoteHash, linkedAt };
    const other = linked.get(remoteId);
    if (other === undefined || record.recordId < other.recordId) linked.set(remoteId, record);
    if (other !== undefined)
      duplicateLinks.set(remoteId, [
        ...(duplicateLinks.get(remoteId) ?? []),
        record.recordId < other.recordId ? other.recordId : record.recordId,
      ]);
  }
}

type FoundLink = (KnownRecord | { recordId: null }) & { remoteId: string };
/** Their ids in one text: cheaper to take apart than rows. */
interface UnchangedLinks {
  remoteId: null;
  recordIds: string;
}

type Matches = Pick<KnownRecords, 'matched' | 'ambiguous'>;

async function matchUnlinked(
  work: TenantWork,
  page: PageToApply,
  unmatched: readonly PulledRecord[],
): Promise<Matches> {
  if (unmatched.length === 0) return { matched: new Map(), ambiguous: [] };
  const byOurId = await findByExternalId(
    work,
    page,
    unmatched.flatMap(({ remoteId, externalId }) =>
      externalId === null ? [] : [{ remote_id: remoteId, external_id: externalId }],
    ),
  );
  const rest = unmatched.filter(({ remoteId }) => !byOurId.has(remoteId));
  const { matched: byField, ambiguous } = await findByField(work, page, rest);
  const left = rest.filter(({ remoteId }) => !byField.has(remoteId));
  const externalIdOf = externalIdsOf(page);
  const returned = await findByExternalId(
    work,
    page,
    left.map(({ remoteId }) => ({ remote_id: remoteId, external_id: externalIdOf(remoteId) })),
  );
  return { matched: new Map([...returned, ...byField, ...byOurId]), ambiguous };
}

/** The id of a record that came from there and is nobody else's. */
export function externalIdsOf({
  integration,
}: Pick<PageToApply, 'integration'>): (remoteId: string) => string {
  const prefix = `${toTypeId('int', integration.integrationId)}:`;
  return (remoteId) => prefix + remoteId;
}

async function findByExternalId(
  { trx, tenantId }: TenantWork,
  { integration, recordType }: PageToApply,
  wanted: object[],
): Promise<Map<string, string>> {
  if (wanted.length === 0) return new Map();
  const { rows } = await sql<{ remoteId: string; recordId: string }>`
    select row.remote_id, record.record_id
    from ${rowsFrom(wanted, 'remote_id text, external_id text')}
    cross join lateral (
      select record_id from records where tenant_id = ${opaqueToPlanner(tenantId)} and record_type = ${recordType} and external_id = row.external_id limit 1) record
    left join lateral (
      select record_id from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integration.integrationId)} and record_id = record.record_id limit 1) link on true
    where link.record_id is null`.execute(trx);
  return new Map(rows.map(({ remoteId, recordId }) => [remoteId, recordId]));
}

/** Looked up one by one up to so many; a page of more strangers has the candidates laid out once for the whole pass. */
async function findByField(
  work: TenantWork,
  page: PageToApply,
  unmatched: readonly PulledRecord[],
): Promise<Matches> {
  const field = page.integration.recordTypes[page.recordType]?.matchBy;
  const wanted = unmatched.flatMap(({ remoteId, fields }) => {
    const value = field === undefined || !Object.hasOwn(fields, field) ? null : (fields[field] ?? null);
    return value === null || value === '' ? [] : [{ remoteId, value, text: textOf(value) }];
  });
  if (field === undefined || wanted.length === 0) return { matched: new Map(), ambiguous: [] };
  await layOutCandidates(work, page, field);

  const candidates = await findCandidates(
    work,
    page,
    wanted.map(({ text }) => text),
  );
  const wantedTimes = new Map<string, number>();
  for (const { text } of wanted) wantedTimes.set(text, (wantedTimes.get(text) ?? 0) + 1);
  const matched = new Map<string, string>();
  const ambiguous: { remoteId: string; field: string; value: JsonValue; candidates: number }[] = [];
  for (const { remoteId, value, text } of wanted) {
    const found = candidates.get(text) ?? [];
    const [only] = found;
    // Two of theirs that fit one of ours are as ambiguous as two of ours that fit one of theirs.
    if (found.length === 1 && only !== undefined && wantedTimes.get(text) === 1) matched.set(remoteId, only);
    else if (found.length > 0) ambiguous.push({ remoteId, field, value, candidates: found.length });
  }
  return { matched, ambiguous };
}

const textOf = (value: JsonValue): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** Once per pass: the match field of every record that is not linked yet. */
async function layOutCandidates(
  { trx, tenantId }: TenantWork,
  { integration, syncRunId, recordType }: PageToApply,
  field: string,
): Promise<void> {
  const { rows } = await sql<{ isThere: boolean }>`
    select exists (select from match_keys where tenant_id = ${tenantId} and sync_run_id = ${syncRunId} and record_type = ${recordType}) as is_there`.execute(
    trx,
  );
  if (rows[0]?.isThere === true) return;
  await sql`
    insert into match_keys (tenant_id, sync_run_id, record_type, value, record_id)
    select ${tenantId}::uuid, ${syncRunId}::uuid, ${recordType}, record.fields ->> ${field}, record.record_id from records record
    where record.tenant_id = ${opaqueToPlanner(tenantId)} and record.record_type = ${recordType} and record.deleted_at is null and record.fields ->> ${field} <> ''
      and not exists (select from record_links link where link.tenant_id = ${opaqueToPlanner(tenantId)} and link.integration_id = ${opaqueToPlanner(integration.integrationId)} and link.record_id = record.record_id)
    union all
    -- A row of its own says that they are laid out, though there may be none.
    select ${tenantId}::uuid, ${syncRunId}::uuid, ${recordType}, '', ${syncRunId}::uuid`.execute(trx);
}

async function findCandidates(
  { trx, tenantId }: TenantWork,
  { integration, syncRunId, recordType }: PageToApply,
  values: string[],
): Promise<Map<string, string[]>> {
  const { rows } = await sql<{ value: string; recordId: string }>`
    select distinct wanted.value, key.record_id
    from unnest(${values}::text[]) as wanted(value)
    cross join lateral (
      select record_id from match_keys
      where tenant_id = ${opaqueToPlanner(tenantId)} and sync_run_id = ${opaqueToPlanner(syncRunId)} and record_type = ${recordType} and value = wanted.value limit 20) key
    left join lateral (
      select record_id from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integration.integrationId)} and record_id = key.record_id limit 1) link on true
    where link.record_id is null`.execute(trx);
  const found = new Map<string, string[]>();
  for (const { value, recordId } of rows) found.set(value, [...(found.get(value) ?? []), recordId]);
  return found;
}

/** While a push of this type may be creating records there, one that nobody knows may be ours: the next pass will know. */
async function findUndecided(
  { trx, tenantId }: TenantWork,
  { integration, recordType }: PageToApply,
  unmatched: readonly PulledRecord[],
): Promise<Set<string>> {
  const isBoth = integration.recordTypes[recordType]?.direction === 'both';
  if (!isBoth || unmatched.length === 0) return new Set();
  const { rows } = await sql<{ isCreating: boolean }>`
    select exists (
      select from record_syncs record_sync join records record on record.tenant_id = record_sync.tenant_id and record.record_id = record_sync.record_id
      where record_sync.tenant_id = ${tenantId} and record_sync.integration_id = ${integration.integrationId} and record.record_type = ${recordType}
        and (record_sync.lease_until is not null or record_sync.unresolved_push_id is not null)
        and not exists (select from record_links link where link.tenant_id = record_sync.tenant_id and link.integration_id = record_sync.integration_id and link.record_id = record_sync.record_id)
    ) as is_creating`.execute(trx);
  return rows[0]?.isCreating === true ? new Set(unmatched.map(({ remoteId }) => remoteId)) : new Set();
}
