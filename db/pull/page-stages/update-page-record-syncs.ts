/**
 * Stage of applying a page: updates record syncs. For every other integration a pulled change is a change to
 * push; at the integration it came from, the record is synced and is never pushed back (rules.md 17).
 */
import { sql } from 'kysely';
import { pushTarget, type RecordTypeMapping, upsertOf } from '../../../domain/records/mapping';
import { knownFrom } from '../../../domain/records/notation';
import { PUSH_KINDS } from '../../../domain/push/push-kind';
import type { TenantWork } from '../../database';
import { enqueuePush } from '../../platform/outbox';
import { hashOfTarget } from '../../records/payload-hash';
import type { ChangeAuthor } from '../../../domain/records/record-draft';
import { findAcceptingIntegrations } from '../../records/accepting-integrations';
import { writeRecordSyncs } from '../../records/update-record-syncs';
import { opaqueToPlanner, rowsFrom } from '../../sql/bulk-rows';
import type { PageChanges, PageToApply, PulledDraft } from '../page';

/** @returns whether debounce windows were opened for other integrations. */
export async function updatePageRecordSyncs(
  work: TenantWork,
  page: PageToApply,
  { drafts }: PageChanges,
  { author, isShared }: { author: ChangeAuthor; isShared: boolean },
): Promise<boolean> {
  const { integrationId, mapping, isOnboarded } = page;
  const touched = drafts.filter(({ draft }) => draft.isTouched).map(({ draft }) => draft);
  const opensWindows =
    isShared &&
    touched.length > 0 &&
    (await writeRecordSyncs(
      work,
      await findAcceptingIntegrations(work, {
        recordTypes: [...new Set(touched.map(({ recordType }) => recordType))],
        except: integrationId,
      }),
      touched,
      author,
    ));
  if (mapping.direction === 'both' && drafts.length > 0) {
    const rows = drafts
      .filter(({ draft }) => !draft.after.isDeleted)
      .map((draft) => toOriginRow(mapping, draft));
    await writeOriginRecordSyncs(work, integrationId, rows);
    const kept = rows
      .filter(({ is_agreed: isAgreed }) => !isAgreed)
      .map(({ record_id: recordId }) => recordId);
    if (isOnboarded) await openWindows(work, integrationId, kept);
  }
  return opensWindows;
}

interface OriginRow {
  record_id: string;
  version: number;
  is_agreed: boolean;
  hash: string | null;
  /** null = it does not matter. */
  wants_active: boolean | null;
}

/**
 * The hash is that of what the third party holds now, so that undoing the pulled change here counts as a
 * change. A record that cannot be mapped has no hash and is not agreed: it becomes Sync failed at its field
 * (rules.md 47).
 */
function toOriginRow(
  mapping: RecordTypeMapping,
  { draft, agreed, notation, isAgreed }: PulledDraft,
): OriginRow {
  const target =
    isAgreed || agreed === null
      ? pushTarget(mapping, draft.after, knownFrom(notation))
      : upsertOf(mapping, agreed);
  return {
    record_id: draft.recordId,
    version: draft.after.version,
    is_agreed: isAgreed && target.operation !== 'invalid',
    hash: hashOfTarget(target),
    wants_active: target.operation === 'upsert' ? true : isRemoval(target.operation) ? false : null,
  };
}

const isRemoval = (operation: string): boolean => operation === 'deactivate' || operation === 'delete';

/**
 * A record without an open window or a push in progress becomes Synced; every other state is kept. Equal
 * fields do not make up for a failed activation or deactivation, which a page does not show.
 */
async function writeOriginRecordSyncs(
  { trx, tenantId, now }: TenantWork,
  integrationId: string,
  rows: readonly OriginRow[],
): Promise<void> {
  const isSynced = sql`record_sync.push_id is null and record_sync.window_opened_at is null
        and excluded.result_status = 'synced'`;
  await sql`
    insert into record_syncs as record_sync (tenant_id, integration_id, record_id, relevant_version,
      result_status, result_version, result_hash, last_synced_at)
    select ${tenantId}::uuid, ${integrationId}::uuid, record_id, version,
      case when is_agreed and not coalesce(failed.is_deactivated = wants_active, false) then 'synced' end,
      version, hash, ${now}::timestamptz
    from ${rowsFrom(rows, 'record_id uuid, version bigint, is_agreed boolean, hash text, wants_active boolean')}
    left join lateral (
      select link.is_deactivated
      from record_syncs known
      join record_links link on link.tenant_id = known.tenant_id
        and link.integration_id = known.integration_id and link.record_id = known.record_id
      where known.tenant_id = ${opaqueToPlanner(tenantId)}
        and known.integration_id = ${opaqueToPlanner(integrationId)} and known.record_id = row.record_id
        and known.result_status = 'sync_failed' limit 1) failed on true
    order by record_id
    on conflict (tenant_id, integration_id, record_id) do update set
      result_hash = case when record_sync.push_id is null then excluded.result_hash else record_sync.result_hash end,
      relevant_version = case when ${isSynced} then excluded.relevant_version else record_sync.relevant_version end,
      result_version = case when ${isSynced} then excluded.result_version else record_sync.result_version end,
      result_status = case when ${isSynced} then 'synced' else record_sync.result_status end,
      errors = case when ${isSynced} then null else record_sync.errors end,
      last_synced_at = case when ${isSynced} then excluded.last_synced_at else record_sync.last_synced_at end`.execute(
    trx,
  );
}

/**
 * Opens windows for records whose local values were kept although no push was due, for example after a match.
 * During onboarding the initial push sends them. A change that a user discarded stays discarded.
 */
async function openWindows(
  work: TenantWork,
  integrationId: string,
  recordIds: readonly string[],
): Promise<void> {
  if (recordIds.length === 0) return;
  const { trx, tenantId, now } = work;
  const opened = await sql`
    update record_syncs set window_opened_at = ${now}, due_at = ${now}, window_reason = 'initial',
      push_priority = ${PUSH_KINDS.bulk}
    where tenant_id = ${tenantId} and integration_id = ${integrationId} and record_id = any(${[...recordIds]}::uuid[])
      and window_opened_at is null and push_id is null and discarded_at is null
      and result_status is distinct from 'sync_failed'
    returning record_id`.execute(trx);
  if (opened.rows.length > 0) await enqueuePush(work, { integrationId, nextDueAt: now });
}
