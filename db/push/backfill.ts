/**
 * Debounce windows for existing records: all of them after linking (`initial`), or those whose payload a new
 * mapping changes (`mapping_changed`); rules.md 15. Runs in chunks in the push queue, after edits.
 *
 * Open windows keep their deadline. A record sync whose payload stays the same gets no window.
 */
import { sql } from 'kysely';
import type { SyncError } from '../../domain/sync-error';
import {
  isEligible,
  type MappingError,
  pushTarget,
  type PushTarget,
  type RecordTypeMapping,
  type RecordTypeMappings,
} from '../../domain/records/mapping';
import type { BrakedEffect } from '../../domain/push/braked-effect';
import type { TenantWork } from '../database';
import { findIntegration, type Integration, lockIntegration } from '../integrations/integrations';
import { lockMappings } from '../records/mapping-lock';
import { hashOfTarget } from '../records/payload-hash';
import { effectOf, type ExistingRecord, openWindows, reviseOpenWindows } from './backfill-windows';
import { opaqueToPlanner } from '../sql/bulk-rows';
import { inIndexOrder } from '../sql/index-order';

/** Opens windows for the next `limit` records. `isDone`: there are no more. */
export async function openBackfillWindows(
  work: TenantWork,
  { integrationId, now, limit }: { integrationId: string; now: Date; limit: number },
): Promise<{ isDone: boolean; opened: number }> {
  const { trx, tenantId } = work;
  // The same lock order as for a new mapping and a deletion, so that neither comes between this and its
  // windows.
  const integration = await lockIntegration(work, { integrationId });
  if (integration === undefined || integration.backfillReason === null) return { isDone: true, opened: 0 };
  await lockMappings(work, 'shared');
  const cursor = await trx
    .selectFrom('integrations')
    .select('backfillCursor')
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .executeTakeFirst();

  const records = await readExistingRecords(work, {
    integrationId,
    recordTypes: integration.recordTypes,
    after: cursor?.backfillCursor ?? null,
    limit,
    lock: true,
  });
  const opened = records.filter((record) =>
    needsWindow(integration, integration.recordTypes[record.recordType], record),
  );
  await reviseOpenWindows(work, {
    integrationId,
    mappings: integration.recordTypes,
    records: records.filter(({ isWindowOpen }) => isWindowOpen),
  });
  await openWindows(work, {
    integration,
    reason: integration.backfillReason,
    mappings: integration.recordTypes,
    records: opened,
    now,
  });

  const isDone = records.length < limit;
  await trx
    .updateTable('integrations')
    .set(
      isDone
        ? { backfillReason: null, backfillCursor: null }
        : { backfillCursor: records.at(-1)?.recordId ?? null },
    )
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    // If the mapping has changed since, the backfill starts from the beginning, and its cursor must not be
    // moved.
    .where('mappingVersion', '=', integration.mappingVersion)
    .execute();
  return { isDone, opened: opened.length };
}

interface CountedEffect {
  recordType: string;
  effect: BrakedEffect;
  records: number;
}

interface MappingEffects {
  touched: number;
  examined: number;
  isComplete: boolean;
  effects: CountedEffect[];
}

/**
 * Counts the records that a new mapping would push again, among at most `atMost` records, and what these
 * pushes would change: the preview before it is saved.
 */
export async function previewMapping(
  work: TenantWork,
  {
    integrationId,
    recordTypes,
    atMost,
  }: { integrationId: string; recordTypes: RecordTypeMappings; atMost: number },
): Promise<MappingEffects> {
  const effects = new Map<string, CountedEffect>();
  let touched = 0;
  let examined = 0;
  let after: string | null = null;
  for (;;) {
    const before = await findIntegration(work, { integrationId });
    const records: ExistingRecord[] = await readExistingRecords(work, {
      integrationId,
      recordTypes: { ...before?.recordTypes, ...recordTypes },
      after,
      limit: 1_000,
      lock: false,
    });
    for (const record of records) {
      const mapping = recordTypes[record.recordType];
      if (before === undefined || mapping === undefined) continue;
      const isTouched = needsWindow(before, mapping, record);
      if (isTouched) touched += 1;
      const effect = isTouched || record.isWindowOpen ? effectOf(mapping, record) : null;
      // An open window is pushed by the new mapping too. Only that its record leaves is news.
      if (effect === null || (!isTouched && effect !== 'deactivate' && effect !== 'delete')) continue;
      const { recordType } = record;
      const key = `${effect} ${recordType}`;
      effects.set(key, { recordType, effect, records: (effects.get(key)?.records ?? 0) + 1 });
    }
    examined += records.length;
    after = records.at(-1)?.recordId ?? null;
    const isComplete = records.length < 1_000;
    if (isComplete || examined >= atMost)
      return { touched, examined, isComplete, effects: [...effects.values()] };
  }
}

async function readExistingRecords(
  work: TenantWork,
  {
    integrationId,
    recordTypes,
    after,
    limit,
    lock,
  }: {
    integrationId: string;
    recordTypes: RecordTypeMappings;
    after: string | null;
    limit: number;
    lock: boolean;
  },
): Promise<ExistingRecord[]> {
  const { tenantId } = work;
  const chunk = sql<ExistingRecord>`
    select record.record_id, record.record_type, record.version, record.fields, record.deleted_at,
      record_sync.record_id is not null as has_record_sync, record_sync.window_opened_at is not null
        as is_window_open,
      case when record_sync.push_id is null then record_sync.result_hash else record_sync.push_hash end
        as known_hash,
      coalesce(record_sync.is_backfill, false) as is_backfill, record_sync.window_effect,
      record_sync.absent_since is not null and link.record_id is null as is_absent,
      link.remote_id, link.is_deactivated, link.agreed,
      coalesce(record_sync.result_status is not null or record_sync.push_id is not null
        or record_sync.unresolved_push_id is not null, false) as has_been_sent,
      case when record_sync.push_id is null and record_sync.result_status = 'sync_failed'
        then record_sync.errors end as errors
    from records record
    left join lateral (
      select * from record_syncs
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = record.record_id limit 1) record_sync on true
    left join lateral (
      select * from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = record.record_id limit 1) link on true
    where record.tenant_id = ${opaqueToPlanner(tenantId)} and
      record.record_type = any(${Object.keys(recordTypes)}::text[])
      and (${after}::uuid is null or record.record_id > ${after}::uuid)
    order by record.record_id limit ${limit} ${lock ? sql`for update of record` : sql``}`;
  return (await inIndexOrder(work, () => chunk.execute(work.trx))).rows;
}

/**
 * True if the record should be pushed under `mapping` and is not about to be pushed anyway. With
 * `initial_push` none, records unchanged since linking are not pushed, whatever the mapping.
 */
function needsWindow(
  { initialPush }: Pick<Integration, 'initialPush'>,
  mapping: RecordTypeMapping | undefined,
  record: ExistingRecord,
): boolean {
  if (record.isAbsent || mapping === undefined || record.isWindowOpen) return false;
  if (initialPush === 'none' && !record.hasRecordSync) return false;
  const state = { fields: record.fields, isDeleted: record.deletedAt !== null };
  if (!isEligible(mapping, state) && !record.hasBeenSent) return false;
  const target: PushTarget = pushTarget(mapping, state);
  if (target.operation === 'invalid') return !isSameFailure(target.errors, record.errors);
  return hashOfTarget(target) !== record.knownHash;
}

/** The record failed with these errors already, so that another attempt would only repeat them. */
function isSameFailure(errors: readonly MappingError[], known: readonly SyncError[] | null): boolean {
  return (
    known !== null &&
    known.length === errors.length &&
    errors.every(({ to, message }, index) => {
      const earlier = known[index];
      return earlier?.remote_field === to && earlier.message === message;
    })
  );
}
