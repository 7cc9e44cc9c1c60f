/**
 * Stage of applying a page: finds the local record of each remote one, by link, else by Syncline's id where
 * the third party stores it, else by `match_by`, else by the external id that an earlier import gave it
 * (rules.md 13). An uncertain match is a conflict.
 */
import { sql } from 'kysely';
import type { TenantWork } from '../../database';
import { opaqueToPlanner, rowsFrom } from '../../sql/bulk-rows';
import { findLinked } from './find-linked';
import { findOwnCreations } from './find-own-creations';
import { matchByField } from './match-by-field';
import type { PageToApply, PassKey, PulledRecord, RecordMatches } from '../page';

export async function matchRecords(work: TenantWork, page: PageToApply): Promise<RecordMatches> {
  const refusedIds = page.refused.flatMap(({ remoteId }) => remoteId ?? []);
  const withoutHash = [...page.tombstones, ...refusedIds].map((remoteId) => ({ remoteId, hash: null }));
  const links = await findLinked(work, page, [...page.records, ...withoutHash]);
  const { unchanged, linked, unlinked } = links;
  const toMatch = unlinked.size === 0 ? [] : page.records.filter(({ remoteId }) => unlinked.has(remoteId));
  const { mapping, externalIdPrefix } = page;
  const { matched, ambiguous, taken } = await matchUnlinked(work, page, {
    records: toMatch,
    field: mapping.matchBy,
    ignoresCase: mapping.matchIgnoreCase ?? false,
    externalIdPrefix,
  });
  const decided = new Set([...matched.keys(), ...taken.keys(), ...ambiguous.map(({ remoteId }) => remoteId)]);
  const unmatched = toMatch.filter(({ remoteId }) => !decided.has(remoteId));
  const { undecided, doubtful } = await findOwnCreations(work, page, unmatched);
  return {
    unchanged,
    linked,
    unlinked,
    matched,
    ambiguous,
    taken,
    undecided,
    doubtful,
    alsoSeen: refusedIds.flatMap((remoteId) => linked.get(remoteId)?.recordId ?? []),
    unknownTombstones: page.tombstones.filter((remoteId) => !linked.has(remoteId)).length,
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
): Promise<Pick<RecordMatches, 'matched' | 'ambiguous' | 'taken'>> {
  if (records.length === 0) return { matched: new Map(), ambiguous: [], taken: new Map() };
  const { free: byStoredId } = await findByExternalId(
    work,
    pass,
    records.flatMap(({ remoteId, externalId }) =>
      externalId === null ? [] : [{ remote_id: remoteId, external_id: externalId }],
    ),
  );
  const rest = records.filter(({ remoteId }) => !byStoredId.has(remoteId));
  const { matched: byField, ambiguous } = await matchByField(work, pass, { ...matching, records: rest });
  const stillUnmatched = rest.filter(({ remoteId }) => !byField.has(remoteId));
  const { free: byEarlierImport, taken } = await findByExternalId(
    work,
    pass,
    stillUnmatched.map(({ remoteId }) => ({ remote_id: remoteId, external_id: externalIdPrefix + remoteId })),
  );
  return {
    matched: new Map([...byEarlierImport, ...byField, ...byStoredId]),
    // A record that an earlier import has made is known, whatever else fits it.
    ambiguous: ambiguous.filter(({ remoteId }) => !byEarlierImport.has(remoteId) && !taken.has(remoteId)),
    taken,
  };
}

/** Ids of local records by remote id: `taken` ones are linked to another remote record. */
async function findByExternalId(
  { trx, tenantId }: TenantWork,
  { integrationId, recordType }: PassKey,
  wanted: readonly { remote_id: string; external_id: string }[],
): Promise<{ free: ReadonlyMap<string, string>; taken: ReadonlyMap<string, string> }> {
  if (wanted.length === 0) return { free: new Map(), taken: new Map() };
  const { rows } = await sql<{ remoteId: string; recordId: string; isTaken: boolean }>`
    select row.remote_id, record.record_id, link.record_id is not null as is_taken
    from ${rowsFrom(wanted, 'remote_id text, external_id text')}
    cross join lateral (
      select record_id from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_type = ${recordType}
        and external_id = row.external_id limit 1) record
    left join lateral (
      select record_id from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = record.record_id limit 1) link on true`.execute(trx);
  const idsOf = (isTaken: boolean) =>
    new Map(
      rows.filter((row) => row.isTaken === isTaken).map(({ remoteId, recordId }) => [remoteId, recordId]),
    );
  return { free: idsOf(false), taken: idsOf(true) };
}
