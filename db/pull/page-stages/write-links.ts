/**
 * Stage of applying a page: links records that existed before to the remote records they were matched to or
 * merged with.
 */
import { sql } from 'kysely';
import { ConcurrentTransaction, type TenantWork } from '../../database';
import { opaqueToPlanner, rowsFrom } from '../../sql/bulk-rows';
import type { PageChanges, PageToApply, PassKey } from '../page';

const COLUMNS =
  'record_id uuid, remote_id text, remote_version text, remote_hash text, agreed jsonb, notation jsonb';

/** The links of new records are inserted together with them. */
export async function writeLinks(
  { trx, tenantId, now }: TenantWork,
  { integrationId, recordType }: PageToApply,
  { drafts }: PageChanges,
): Promise<void> {
  const rows = drafts
    .filter(({ draft }) => draft.before !== null)
    .map(({ draft, remote, agreed, notation }) => ({
      record_id: draft.recordId,
      remote_id: remote.remoteId,
      remote_version: remote.remoteVersion,
      remote_hash: remote.hash,
      agreed,
      notation,
    }));
  if (rows.length === 0) return;
  await sql`
    insert into record_links (tenant_id, integration_id, record_id, record_type,
      remote_id, remote_version, remote_hash, agreed, notation, is_deactivated, updated_at)
    select ${tenantId}::uuid, ${integrationId}::uuid, record_id, ${recordType},
      remote_id, remote_version, remote_hash, agreed, notation, false, ${now}::timestamptz
    from ${rowsFrom(rows, COLUMNS)}
    on conflict (tenant_id, integration_id, record_id) do update set
      remote_id = excluded.remote_id, remote_version = excluded.remote_version, remote_hash = excluded.remote_hash,
      agreed = coalesce(excluded.agreed, record_links.agreed),
      notation = coalesce(excluded.notation, record_links.notation), updated_at = excluded.updated_at`.execute(
    trx,
  );
}

/**
 * With the records locked: a page of another range may have linked one of them after it was matched here.
 * @throws `ConcurrentTransaction`; the next attempt sees the link.
 */
export async function requireUnlinked(
  { trx, tenantId }: TenantWork,
  { integrationId }: PassKey,
  recordIds: readonly string[],
): Promise<void> {
  if (recordIds.length === 0) return;
  const { rows } = await sql`
    select 1 from unnest(${[...recordIds]}::uuid[]) as matched(record_id)
    cross join lateral (
      select from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = matched.record_id limit 1) link limit 1`.execute(trx);
  if (rows.length > 0) throw new ConcurrentTransaction('A matched record was linked meanwhile.');
}
