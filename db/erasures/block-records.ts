/**
 * The moment of an erasure: from here on the records cannot come back, and their values are gone. Pushes to
 * the chosen third parties begin; what they need is deleted at the end (remove-records.ts).
 */
import { sql } from 'kysely';
import { kindOfAsked } from '../../domain/push/push-kind';
import type { RecordTypeMappings } from '../../domain/records/mapping';
import type { TenantWork } from '../database';
import { enqueuePush } from '../platform/outbox';
import {
  findLinkedAccounts,
  hashesInAccount,
  hashOfName,
  openKeyOfErasures,
} from '../records/erased-records';
import { lockMappings } from '../records/mapping-lock';
import { idList, opaqueToPlanner } from '../sql/bulk-rows';
import type { ErasureAtThirdParty } from '../tables/erasures';
import { describeItems, type ErasureKey } from './erasure-items';

/** Repeating it changes nothing. @returns how many rows were deleted, by table. */
export async function blockRecords(
  work: TenantWork,
  erasure: ErasureKey & { thirdParties: readonly ErasureAtThirdParty[] },
  recordIds: readonly string[],
): Promise<Record<string, number>> {
  await lockMappings(work, 'alone');
  await lockRecords(work, recordIds);
  await describeItems(work, erasure, recordIds);
  await storeHashes(work, erasure, recordIds);
  for (const { integrationId, action } of erasure.thirdParties) {
    const mappings = await findMappings(work, integrationId);
    if (action === 'keep' || mappings === undefined) continue;
    await pushErasure(work, { integrationId, action, mappings, recordIds });
  }
  await keepAtOthers(work, recordIds);
  return { pushes: await emptyRecords(work, recordIds) };
}

async function lockRecords({ trx, tenantId }: TenantWork, recordIds: readonly string[]): Promise<void> {
  await sql`select from records where tenant_id = ${tenantId} and record_id = any(${[...recordIds]}::uuid[])
    order by record_id for update`.execute(trx);
}

/**
 * The first step: no name of the erasure comes back from here on. Another erasure of the same records may
 * have removed them since the preview; if it was lifted, they may be back as other records, which are added.
 */
export async function holdNames(
  work: TenantWork,
  erasure: ErasureKey,
  recordIds: readonly string[],
): Promise<void> {
  await lockMappings(work, 'alone');
  await storeHashes(work, erasure, recordIds);
  await describeItems(work, erasure, await findReturned(work, erasure));
}

async function findReturned({ trx, tenantId }: TenantWork, { erasureId }: ErasureKey): Promise<string[]> {
  const { rows } = await sql<{ recordId: string }>`
    with gone as (
      select record_type, external_id, links from erasure_items item
      where tenant_id = ${tenantId} and erasure_id = ${erasureId} and (
        select true from records
        where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = item.record_id limit 1) is null)
    select record_id from gone
    cross join lateral (
      select record_id from records where tenant_id = ${opaqueToPlanner(tenantId)}
        and record_type = gone.record_type and external_id = gone.external_id limit 1) record
    union
    select record_id from gone
    cross join jsonb_to_recordset(links) as former("integrationId" uuid, "remoteId" text)
    cross join lateral (
      select record_id, remote_id from record_links
      where remote_key = hashtextextended("integrationId" || ' ' || gone.record_type || ' ' || "remoteId", 0)
        and tenant_id = ${opaqueToPlanner(tenantId)} limit 1) link
    where link.remote_id = "remoteId"`.execute(trx);
  return rows.map(({ recordId }) => recordId);
}

/** Of the records, and of those that other erasures have removed. Under the lock of the mappings alone. */
export async function storeHashes(
  work: TenantWork,
  { erasureId }: ErasureKey,
  recordIds: readonly string[],
): Promise<void> {
  const { trx, tenantId } = work;
  const items = sql`erasure_items where tenant_id = ${tenantId} and erasure_id = ${erasureId}
    and record_id = any(${[...recordIds]}::uuid[])`;
  const { rows: links } = await sql<{ integrationId: string; recordType: string; remoteId: string }>`
    select link.integration_id, link.record_type, link.remote_id from integrations integration
    join record_links link on link.tenant_id = integration.tenant_id
      and link.integration_id = integration.integration_id and link.record_id = any(${[...recordIds]}::uuid[])
    where integration.tenant_id = ${tenantId}
    union
    select "integrationId", record_type, "remoteId" from (select record_type, links from ${items}) item,
      jsonb_to_recordset(links) as former("integrationId" uuid, "remoteId" text)`.execute(trx);
  const { rows: records } = await sql<{ recordType: string; externalId: string }>`
    select record_type, external_id from records
    where tenant_id = ${tenantId} and record_id = any(${[...recordIds]}::uuid[])
    union select record_type, external_id from ${items}`.execute(trx);
  const key = await openKeyOfErasures(work);
  const accounts = await findLinkedAccounts(
    work,
    links.map(({ integrationId }) => integrationId),
  );
  const none = { integrationId: null, recordType: null, list: null };
  const rows = [
    ...records.map((name) => ({ ...none, hash: hashOfName(key, name) })),
    ...links.flatMap((name) => {
      const { integrationId, recordType } = name;
      const inAccount = hashesInAccount(key, name, accounts);
      return [
        { ...none, hash: hashOfName(key, name), integrationId, recordType },
        ...(inAccount === undefined ? [] : [{ ...none, ...inAccount, integrationId }]),
      ];
    }),
  ];
  await sql`
    insert into erased_hashes (tenant_id, hash, erasure_id, integration_id, record_type, list_hash)
    select ${tenantId}::uuid, hash, ${erasureId}::uuid, integration_id, record_type, list_hash
    from unnest(${rows.map(({ hash }) => hash)}::bytea[], ${rows.map((row) => row.integrationId)}::uuid[],
      ${rows.map(({ recordType }) => recordType)}::text[], ${rows.map(({ list }) => list)}::bytea[])
      as new(hash, integration_id, record_type, list_hash)
    on conflict do nothing`.execute(trx);
}

async function findMappings(
  { trx, tenantId }: TenantWork,
  integrationId: string,
): Promise<RecordTypeMappings | undefined> {
  const row = await trx
    .selectFrom('integrations')
    .select('recordTypes')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('deletedAt', 'is', null)
    .executeTakeFirst();
  return row?.recordTypes;
}

interface PushedErasure {
  integrationId: string;
  action: 'deactivate' | 'delete';
  mappings: RecordTypeMappings;
  recordIds: readonly string[];
}

/** Due at once, and not held: the admin who confirmed the erasure has approved it. */
async function pushErasure(
  work: TenantWork,
  { integrationId, action, mappings, recordIds }: PushedErasure,
): Promise<void> {
  const { trx, tenantId, now } = work;
  const pushed = Object.keys(mappings).filter((name) => mappings[name]?.direction !== 'pull');
  await sql`
    insert into record_syncs as record_sync (tenant_id, integration_id, record_id, relevant_version, erase_as,
      window_opened_at, due_at, window_reason, push_priority)
    select tenant_id, ${integrationId}::uuid, record_id, version, ${action}, ${now}::timestamptz,
      ${now}::timestamptz, 'manual', ${kindOfAsked(recordIds.length)}
    from records where tenant_id = ${tenantId} and record_id = any(${[...recordIds]}::uuid[])
      and record_type = any(${pushed}::text[])
      and (exists (select from record_links link where link.tenant_id = ${tenantId}
          and link.integration_id = ${integrationId} and link.record_id = records.record_id)
        or exists (select from record_syncs existing where existing.tenant_id = ${tenantId}
          and existing.integration_id = ${integrationId} and existing.record_id = records.record_id))
    order by record_id
    on conflict (tenant_id, integration_id, record_id) do update set erase_as = excluded.erase_as,
      window_opened_at = excluded.window_opened_at, due_at = excluded.due_at,
      window_reason = excluded.window_reason, push_priority = excluded.push_priority, is_backfill = false,
      window_fields = '{}', window_effect = null, held_at = null,
      held_by = null, push_review_id = null, discarded_at = null, discarded_by = null, result_hash = null
    -- A deletion follows what another erasure has chosen. The values for a deactivation may be gone.
    where record_sync.erase_as is null or (excluded.erase_as = 'delete' and record_sync.erase_as <> 'delete')`.execute(
    trx,
  );
  await enqueuePush(work, { integrationId, nextDueAt: now });
}

/** Nothing more is sent. A push that is under way ends; its outcome is not repeated. */
async function keepAtOthers({ trx, tenantId }: TenantWork, recordIds: readonly string[]): Promise<void> {
  await sql`
    update record_syncs set erase_as = 'keep', window_opened_at = null, due_at = null, window_reason = null,
      window_fields = '{}', window_changed_by = '{}', window_effect = null, held_at = null, held_by = null,
      push_review_id = null, next_attempt_at = null, errors = null
    where tenant_id = ${tenantId} and record_id = any(${[...recordIds]}::uuid[]) and erase_as is null`.execute(
    trx,
  );
}

/** A push that is under way needs its payload, and a deactivation the last values of the third party. */
async function emptyRecords(
  { trx, tenantId, now }: TenantWork,
  recordIds: readonly string[],
): Promise<number> {
  const ids = [...recordIds];
  await sql`
    update records set fields = '{}', field_versions = null, version = version + 1, changed_by = 'erasure',
      deleted_at = ${now}
    where tenant_id = ${tenantId} and record_id = any(${ids}::uuid[]) and changed_by <> 'erasure'`.execute(
    trx,
  );
  await sql`
    update record_links link set agreed = null, notation = null, remote_hash = null
    from integrations integration
    where integration.tenant_id = ${tenantId} and link.tenant_id = ${tenantId}
      and link.integration_id = integration.integration_id and link.record_id = any(${ids}::uuid[])
      and (select true from record_syncs where record_syncs.tenant_id = ${tenantId}
        and record_syncs.integration_id = link.integration_id and record_syncs.record_id = link.record_id
        and erase_as = 'deactivate' limit 1) is null`.execute(trx);
  const { numAffectedRows } = await sql`
    delete from pushes where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = any(${idList(ids)})
      -- A list: joined, all pushes were compared with all record syncs of the tenant.
      and push_id <> all(array(
        select unnest(array_remove(array[push_id, unresolved_push_id], null)) from record_syncs
        where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = any(${idList(ids)})))`.execute(trx);
  return Number(numAffectedRows);
}
