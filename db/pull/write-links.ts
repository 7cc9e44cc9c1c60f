/** Links of pulled records, and their pairs at the integration they came from: what was just read is synced, and is never pushed back (rules.md 17). */
import { sql } from 'kysely';
import { pushTarget } from '../../domain/push/push-target';
import type { TenantWork } from '../database';
import { hashOfTarget } from '../records/payload-hash';
import type { PulledDraft } from './merge-page';
import { rowsFrom } from '../sql/bulk-rows';
import type { PageToApply } from './apply-page';
import { enqueuePush } from '../platform/outbox';

export async function writeLinks(
  { trx, tenantId, now }: TenantWork,
  { integration, recordType }: PageToApply,
  drafts: readonly PulledDraft[],
): Promise<void> {
  if (drafts.length === 0) return;
  const rows = drafts.map(({ draft, remote, agreed }) => ({
    record_id: draft.recordId,
    remote_id: remote.remoteId,
    remote_version: remote.remoteVersion,
    remote_hash: remote.hash,
    agreed,
  }));
  await sql`
    insert into record_links (tenant_id, integration_id, record_id, record_type, remote_id, remote_version, remote_hash, agreed, is_deactivated, updated_at)
    select ${tenantId}::uuid, ${integration.integrationId}::uuid, record_id, ${recordType}, remote_id, remote_version, remote_hash, agreed, false, ${now}::timestamptz
    from ${rowsFrom(rows, 'record_id uuid, remote_id text, remote_version text, remote_hash text, agreed jsonb')}
    on conflict (tenant_id, integration_id, record_id) do update set remote_id = excluded.remote_id, remote_version = excluded.remote_version,
      remote_hash = excluded.remote_hash, agreed = coalesce(excluded.agreed, record_links.agreed), updated_at = excluded.updated_at`.execute(
    trx,
  );
}

/**
 * Only where records go both ways. A pair is compared with what the third party holds from now on, so that an edit back to what we
 * had sent before is a change again. One that is settled is Synced; a window, a push or a failure of ours stays what it is.
 */
export async function writeOriginRecordSyncs(
  work: TenantWork,
  { integration, recordType }: PageToApply,
  drafts: readonly PulledDraft[],
): Promise<void> {
  const mapping = integration.recordTypes[recordType];
  if (mapping?.direction !== 'both' || drafts.length === 0) return;
  const { trx, tenantId, now } = work;
  const rows = drafts
    .filter(({ draft }) => !draft.after.isDeleted)
    .map(({ draft, agreed, isAgreed }) => ({
      record_id: draft.recordId,
      version: draft.after.version,
      is_agreed: isAgreed,
      hash: hashOfTarget(
        isAgreed || agreed === null
          ? pushTarget(mapping, draft.after)
          : { operation: 'upsert', payload: agreed },
      ),
    }));
  const settled = sql`record_sync.push_id is null and record_sync.window_opened_at is null and excluded.result_status = 'synced'`;
  await sql`
    insert into record_syncs as record_sync (tenant_id, integration_id, record_id, relevant_version, result_status, result_version, result_hash, last_synced_at)
    select ${tenantId}::uuid, ${integration.integrationId}::uuid, record_id, version, case when is_agreed then 'synced' end,
      version, hash, ${now}::timestamptz
    from ${rowsFrom(rows, 'record_id uuid, version bigint, is_agreed boolean, hash text')} order by record_id
    on conflict (tenant_id, integration_id, record_id) do update set
      result_hash = case when record_sync.push_id is null then excluded.result_hash else record_sync.result_hash end,
      relevant_version = case when ${settled} then excluded.relevant_version else record_sync.relevant_version end,
      result_version = case when ${settled} then excluded.result_version else record_sync.result_version end,
      result_status = case when ${settled} then 'synced' else record_sync.result_status end,
      errors = case when ${settled} then null else record_sync.errors end,
      last_synced_at = case when ${settled} then excluded.last_synced_at else record_sync.last_synced_at end`.execute(
    trx,
  );
  await sendWhatStayed(work, { integration, rows });
}

/**
 * Ours was kept though nothing was about to send it, as after a match: it gets a window. Behind the gate the initial push does that.
 * What a person discarded stays discarded: what came in is no reason to send it.
 */
async function sendWhatStayed(
  work: TenantWork,
  {
    integration,
    rows,
  }: { integration: PageToApply['integration']; rows: readonly { record_id: string; is_agreed: boolean }[] },
): Promise<void> {
  const kept = rows.filter(({ is_agreed: isAgreed }) => !isAgreed).map(({ record_id: recordId }) => recordId);
  if (kept.length === 0 || integration.onboardedAt === null) return;
  const { trx, tenantId, now } = work;
  const opened = await sql`
    update record_syncs set window_opened_at = ${now}, due_at = ${now}, window_reason = 'initial'
    where tenant_id = ${tenantId} and integration_id = ${integration.integrationId} and record_id = any(${kept}::uuid[])
      and window_opened_at is null and push_id is null and discarded_at is null and result_status is distinct from 'sync_failed'
    returning record_id`.execute(trx);
  if (opened.rows.length > 0)
    await enqueuePush(work, { integrationId: integration.integrationId, nextDueAt: now });
}
