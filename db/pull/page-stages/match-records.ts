/**
 * Stage of applying a page: finds the local record of each remote one, by link, else by Syncline's id where
 * the third party stores it, else by `match_by`, else by the external id that an earlier import gave it
 * (rules.md 13). An uncertain match is a conflict.
 */
import { sql } from 'kysely';
import type { TenantWork } from '../../database';
import { opaqueToPlanner, rowsFrom } from '../../sql/bulk-rows';
import { findLinked } from './find-linked';
import { matchByField } from './match-by-field';
import type { AmbiguousMatch, PageToApply, PassKey, PulledRecord, RecordMatches } from '../page';

export async function matchRecords(work: TenantWork, page: PageToApply): Promise<RecordMatches> {
  const refusedIds = page.refused.flatMap(({ remoteId }) => remoteId ?? []);
  const withoutHash = [...page.tombstones, ...refusedIds].map((remoteId) => ({ remoteId, hash: null }));
  const links = await findLinked(work, page, [...page.records, ...withoutHash]);
  const { unchanged, linked, unlinked } = links;
  const toMatch = unlinked.size === 0 ? [] : page.records.filter(({ remoteId }) => unlinked.has(remoteId));
  const { mapping, externalIdPrefix } = page;
  const { matched, ambiguous } = await matchUnlinked(work, page, {
    records: toMatch,
    field: mapping.matchBy,
    ignoresCase: mapping.matchIgnoreCase ?? false,
    externalIdPrefix,
  });
  const unmatched = toMatch.filter(({ remoteId }) => !matched.has(remoteId));
  const mayBePushedNow =
    mapping.direction === 'both' && unmatched.length > 0 && (await isPushCreating(work, page));
  return {
    unchanged,
    linked,
    unlinked,
    matched,
    ambiguous,
    undecided: new Set(mayBePushedNow ? unmatched.map(({ remoteId }) => remoteId) : []),
    alsoSeen: refusedIds.flatMap((remoteId) => linked.get(remoteId)?.recordId ?? []),
    hasKnownTombstones: page.tombstones.some((remoteId) => linked.has(remoteId)),
  };
}

async function matchUnlinked(
  work: TenantWork,
  pass: PassKey,
  {
    records,
    externalIdPrefix,
    ...matching
  }: {
    records: readonly PulledRecord[];
    field: string | undefined;
    ignoresCase: boolean;
    externalIdPrefix: string;
  },
): Promise<{ matched: ReadonlyMap<string, string>; ambiguous: readonly AmbiguousMatch[] }> {
  if (records.length === 0) return { matched: new Map(), ambiguous: [] };
  const byStoredId = await findByExternalId(
    work,
    pass,
    records.flatMap(({ remoteId, externalId }) =>
      externalId === null ? [] : [{ remote_id: remoteId, external_id: externalId }],
    ),
  );
  const rest = records.filter(({ remoteId }) => !byStoredId.has(remoteId));
  const { matched: byField, ambiguous } = await matchByField(work, pass, { ...matching, records: rest });
  const stillUnmatched = rest.filter(({ remoteId }) => !byField.has(remoteId));
  const byEarlierImport = await findByExternalId(
    work,
    pass,
    stillUnmatched.map(({ remoteId }) => ({ remote_id: remoteId, external_id: externalIdPrefix + remoteId })),
  );
  return { matched: new Map([...byEarlierImport, ...byField, ...byStoredId]), ambiguous };
}

/** Ids of unlinked local records, by remote id. */
async function findByExternalId(
  { trx, tenantId }: TenantWork,
  { integrationId, recordType }: PassKey,
  wanted: readonly { remote_id: string; external_id: string }[],
): Promise<ReadonlyMap<string, string>> {
  if (wanted.length === 0) return new Map();
  const { rows } = await sql<{ remoteId: string; recordId: string }>`
    select row.remote_id, record.record_id
    from ${rowsFrom(wanted, 'remote_id text, external_id text')}
    cross join lateral (
      select record_id from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_type = ${recordType}
        and external_id = row.external_id limit 1) record
    left join lateral (
      select record_id from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = record.record_id limit 1) link on true
    where link.record_id is null`.execute(trx);
  return new Map(rows.map(({ remoteId, recordId }) => [remoteId, recordId]));
}

/**
 * True while a push of this record type may be creating records at the third party, whose ids are not known
 * yet.
 */
async function isPushCreating(
  { trx, tenantId }: TenantWork,
  { integrationId, recordType }: PassKey,
): Promise<boolean> {
  const { rows } = await sql<{ isCreating: boolean }>`
    select exists (
      select from record_syncs record_sync
      join records record on record.tenant_id = record_sync.tenant_id and record.record_id = record_sync.record_id
      where record_sync.tenant_id = ${tenantId} and record_sync.integration_id = ${integrationId}
        and record.record_type = ${recordType}
        and (record_sync.lease_until is not null or record_sync.unresolved_push_id is not null)
        and not exists (
          select from record_links link
          where link.tenant_id = record_sync.tenant_id and link.integration_id = record_sync.integration_id
            and link.record_id = record_sync.record_id)
    ) as is_creating`.execute(trx);
  return rows[0]?.isCreating === true;
}
