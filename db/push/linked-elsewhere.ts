/** Which other record holds a record of the third party (rules.md 49). */
import { type RawBuilder, sql } from 'kysely';
import type { TenantWork } from '../database';
import { opaqueToPlanner, rowsFrom } from '../sql/bulk-rows';

export interface WantedLink {
  externalId: string;
  recordType: string;
  remoteId: string;
}

export interface OtherHolder {
  /** The index of the wanted link in its list. */
  position: number;
  /** The external id of the other record. */
  holder: string;
}

/** For each record that wants a remote one which another record is linked to: the other's external id. */
export async function findOtherHolders(
  work: TenantWork,
  integrationId: string,
  wanted: readonly WantedLink[],
): Promise<ReadonlyMap<WantedLink, string>> {
  if (wanted.length === 0) return new Map();
  const { rows: held } = await selectOtherHolders(work, integrationId, wanted).execute(work.trx);
  return new Map(held.map(({ position, holder }) => [wanted[position] as WantedLink, holder]));
}

export function selectOtherHolders(
  { tenantId }: TenantWork,
  integrationId: string,
  wanted: readonly WantedLink[],
): RawBuilder<OtherHolder> {
  const rows = wanted.map(({ externalId, recordType, remoteId }, position) => ({
    position,
    external_id: externalId,
    key: `${integrationId} ${recordType} ${remoteId}`,
    remote_id: remoteId,
  }));
  return sql`
    select row.position, holder.external_id as holder
    from ${rowsFrom(rows, 'position int, external_id text, key text, remote_id text')}
    cross join lateral (
      select record_id, remote_id from record_links
      where remote_key = hashtextextended(row.key, 0) and tenant_id = ${opaqueToPlanner(tenantId)} limit 2) link
    join records holder on holder.tenant_id = ${opaqueToPlanner(tenantId)} and holder.record_id = link.record_id
    where link.remote_id = row.remote_id and holder.external_id <> row.external_id`;
}
