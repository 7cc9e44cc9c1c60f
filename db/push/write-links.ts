/** The links of records that pushes have created, changed or removed at the third party. */
import { type RawBuilder, sql } from 'kysely';
import type { Notation } from '../../domain/records/notation';
import type { TenantWork } from '../database';
import { idList, opaqueToPlanner, rowsFrom } from '../sql/bulk-rows';
import type { FinishedPush } from './push-outcome';

/** Statements for `runTogether`. */
export function writeLinks(
  { tenantId }: TenantWork,
  { integrationId, finished, now }: { integrationId: string; finished: FinishedPush[]; now: Date },
): RawBuilder<unknown>[] {
  const statements: RawBuilder<unknown>[] = [];
  const kept: object[] = [];
  const gone: string[] = [];
  for (const { push, outcome } of finished) {
    if (outcome.kind !== 'succeeded') continue;
    const isThere = outcome.remoteId !== null && outcome.effect !== 'deleted' && push.operation !== 'delete';
    if (isThere)
      kept.push({
        record_id: push.recordId,
        record_type: push.recordType,
        remote_id: outcome.remoteId,
        remote_version: outcome.remoteVersion,
        agreed: push.payload,
        notation: outcome.notation ?? null,
        is_deactivated: push.operation === 'deactivate',
      });
    else gone.push(push.recordId);
  }
  if (kept.length > 0) {
    // The stored hash is outdated. If the remote record were set back to the state of that hash, it would be
    // taken for unchanged.
    statements.push(sql`
      insert into record_links (tenant_id, integration_id, record_id, record_type, remote_id,
        remote_version, agreed, notation, is_deactivated, updated_at)
      select ${tenantId}::uuid, ${integrationId}::uuid, record_id, record_type, remote_id, remote_version,
        agreed, notation, is_deactivated, ${now}::timestamptz
      from ${rowsFrom(
        kept,
        `
          record_id uuid, record_type text, remote_id text, remote_version text, agreed jsonb,
          notation jsonb, is_deactivated boolean`,
      )}
      on conflict (tenant_id, integration_id, record_id) do update set remote_id = excluded.remote_id,
        remote_version = excluded.remote_version,
        agreed = excluded.agreed,
        notation = coalesce(excluded.notation, record_links.notation), is_deactivated = excluded.is_deactivated, remote_hash = null,
          updated_at = excluded.updated_at`);
  }
  if (gone.length > 0) {
    statements.push(sql`
      delete from record_links where tenant_id = ${opaqueToPlanner(tenantId)}
        and integration_id = ${opaqueToPlanner(integrationId)} and record_id = any(${idList(gone)})`);
  }
  return statements;
}

/** Adds what both sides agree on since a value from there replaced ours. */
export async function agreeOnTaken(
  { trx, tenantId }: TenantWork,
  { integrationId, recordId, remoteId }: { integrationId: string; recordId: string; remoteId: string | null },
  takenAs: Notation,
): Promise<void> {
  await trx
    .updateTable('recordLinks')
    .set({ notation: sql`coalesce(notation, '{}') || ${JSON.stringify(takenAs)}::jsonb` })
    .where('tenantId', '=', tenantId)
    .where('integrationId', '=', integrationId)
    .where('recordId', '=', recordId)
    .where('remoteId', '=', remoteId)
    .execute();
}
