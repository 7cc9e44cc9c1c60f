/**
 * Records that were deleted at the third party while a change of them was not sent yet (rules.md 17, 31).
 * They are conflicts: nothing is deleted here, and nothing is created again there, until a person decides.
 */
import { type RawBuilder, sql } from 'kysely';
import { PUSH_KINDS } from '../../domain/push/push-kind';
import type { TenantWork } from '../database';
import { enqueuePush } from '../platform/outbox';
import { endConflicts, raiseConflicts } from '../records/conflicts';
import { opaqueToPlanner } from '../sql/bulk-rows';
import type { PassKey } from './page';

const HELD_BY = 'syncline';

/** Those of the records that have an open conflict, as an array that a statement reads once. */
export const withOpenConflict = (
  tenantId: string,
  integrationId: string,
  recordIds: readonly string[],
): RawBuilder<unknown> => sql`array(
  select conflict.record_id from sync_conflicts conflict
  where conflict.tenant_id = ${opaqueToPlanner(tenantId)}
    and conflict.integration_id = ${opaqueToPlanner(integrationId)}
    and conflict.state = 'open' and conflict.kind = 'edited_here_deleted_there'
    and conflict.record_id = any(${[...recordIds]}::uuid[]))`;

/** Raises the conflicts and holds the pushes. @returns the records without an unsent change. */
export async function parkEdited(
  work: TenantWork,
  pass: PassKey,
  recordIds: readonly string[],
): Promise<string[]> {
  const { trx, tenantId, now } = work;
  const { integrationId } = pass;
  const { rows: edited } = await sql<{ recordId: string; remoteId: string; fields: string[] }>`
    select record_sync.record_id, link.remote_id, record_sync.window_fields as fields
    from unnest(${[...recordIds]}::uuid[]) as missing(record_id)
    cross join lateral (
      select * from record_syncs
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = missing.record_id and status in ('sync_pending', 'syncing', 'sync_failed')
        and not (is_backfill and status = 'sync_pending')
      limit 1 for update) record_sync
    cross join lateral (
      select remote_id from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = missing.record_id limit 1) link
    cross join lateral (
      select from records
      where tenant_id = ${opaqueToPlanner(tenantId)} and record_id = missing.record_id and deleted_at is null
      limit 1) record`.execute(trx);
  if (edited.length === 0) return [...recordIds];
  await raiseConflicts(
    work,
    pass,
    edited.map(({ recordId, remoteId, fields }) => ({
      remoteId,
      recordId,
      kind: 'edited_here_deleted_there',
      field: null,
      ours: null,
      theirs: null,
      winner: null,
      detail:
        fields.length === 0
          ? 'The record was deleted in the third party, and its last push had not succeeded.'
          : `The record was deleted in the third party before a change of ${fields.join(', ')} was sent.`,
    })),
  );
  const editedIds = edited.map(({ recordId }) => recordId);
  await trx
    .updateTable('recordSyncs')
    .set({ heldAt: now, heldBy: HELD_BY })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('recordId', 'in', editedIds)
    .where('windowOpenedAt', 'is not', null)
    .where('heldAt', 'is', null)
    .execute();
  return recordIds.filter((recordId) => !editedIds.includes(recordId));
}

/**
 * A record that is listed again was not deleted: its conflict ends, and its change is sent. Its window is
 * held, or its push has failed because of the conflict.
 */
export async function releaseSeenAgain(
  work: TenantWork,
  { integrationId }: PassKey,
  seen: readonly string[],
): Promise<void> {
  const { trx, tenantId, now } = work;
  const kinds = ['edited_here_deleted_there'] as const;
  const recordIds = await endConflicts(work, { integrationId, recordIds: seen, kinds });
  if (recordIds.length === 0) return;
  await sql`
    update record_syncs set held_at = null, held_by = null,
      window_opened_at = coalesce(window_opened_at, ${now}::timestamptz),
      due_at = coalesce(due_at, ${now}::timestamptz), window_reason = coalesce(window_reason, 'retry'),
      push_priority = case when window_opened_at is null then ${PUSH_KINDS.bulk} else push_priority end
    where tenant_id = ${tenantId} and integration_id = ${integrationId}
      and record_id = any(${recordIds}::uuid[]) and (held_by = ${HELD_BY} or (window_opened_at is null and result_status = 'sync_failed'
        and push_id is null))`.execute(trx);
  await enqueuePush(work, { integrationId, nextDueAt: now });
}
