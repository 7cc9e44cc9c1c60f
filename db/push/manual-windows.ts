/** Debounce windows that are due at once, for a Sync Now or the repair of a drift. */
import { sql } from 'kysely';
import type { BrakedEffect } from '../../domain/push/braked-effect';
import { kindOfAsked } from '../../domain/push/push-kind';
import type { TenantWork } from '../database';
import type { Integration } from '../integrations/integrations';
import { rowsFrom } from '../sql/bulk-rows';

/**
 * Opens debounce windows that are due now. Held record syncs are left out.
 * @returns the ids of the records whose window was opened.
 */
export async function openManualWindows(
  { trx, tenantId, now }: TenantWork,
  integration: Pick<Integration, 'integrationId'>,
  {
    recordType,
    due,
    actor,
    fields,
    effect = null,
    kind = kindOfAsked(due.length),
  }: {
    recordType: string;
    due: readonly { recordId: string; version: number | null }[];
    actor: string;
    fields: readonly string[];
    effect?: BrakedEffect | null;
    /** One of PUSH_KINDS. */
    kind?: number;
  },
): Promise<string[]> {
  if (due.length === 0) return [];
  const rows = due.map(({ recordId, version }) => ({ record_id: recordId, version, fields }));
  const { rows: opened } = await sql<{ recordId: string }>`
    insert into record_syncs as record_sync (tenant_id, integration_id, record_id, relevant_version, window_opened_at, due_at, window_reason, window_fields, window_changed_by, is_backfill, push_priority, window_effect, window_record_type)
    select ${tenantId}::uuid, ${integration.integrationId}::uuid, record_id, version, ${now}::timestamptz, ${now}::timestamptz, 'manual', fields, array[${actor}]::text[], false, ${kind},
      ${effect}, ${recordType}
    from ${rowsFrom(rows, 'record_id uuid, version bigint, fields text[]')} order by record_id
    on conflict (tenant_id, integration_id, record_id) do update set
      relevant_version = excluded.relevant_version, window_opened_at = coalesce(record_sync.window_opened_at, excluded.window_opened_at), due_at = excluded.due_at,
      window_reason = 'manual', window_fields = excluded.window_fields, window_changed_by = excluded.window_changed_by, is_backfill = false, push_priority = excluded.push_priority,
      window_effect = excluded.window_effect, window_record_type = excluded.window_record_type,
      -- The third party holds another value than the last push sent, so an equal payload is sent again.
      result_hash = null
    where record_sync.held_at is null
    returning record_id`.execute(trx);
  return opened.map(({ recordId }) => recordId);
}
