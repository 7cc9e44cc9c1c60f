/** The links of the records that an overview compares, and what the comparison teaches (rules.md 46). */
import { sql } from 'kysely';
import type { Notation } from '../../domain/records/notation';
import type { TenantWork } from '../database';
import { PUSH_RECORDED_WITHIN_MS } from '../pull/page';
import { keysOf, opaqueToPlanner, rowsFrom } from '../sql/bulk-rows';

export interface ComparedLink {
  notation: Notation | null;
  isDeactivated: boolean;
}

export interface LearnedNotation {
  recordId: string;
  notation: Notation;
}

export async function readComparedLinks(
  { trx, tenantId }: TenantWork,
  { integrationId, recordIds }: { integrationId: string; recordIds: readonly string[] },
): Promise<Map<string, ComparedLink>> {
  if (recordIds.length === 0) return new Map();
  const { rows } = await sql<ComparedLink & { recordId: string }>`
    select link.* from unnest(${[...recordIds]}::uuid[]) as wanted(record_id)
    cross join lateral (
      select record_id, notation, is_deactivated from record_links
      where tenant_id = ${opaqueToPlanner(tenantId)} and integration_id = ${opaqueToPlanner(integrationId)}
        and record_id = wanted.record_id limit 1) link`.execute(trx);
  return new Map(rows.map(({ recordId, ...link }) => [recordId, link]));
}

/** A page that was requested before the latest push was recorded may show earlier values. */
export async function learnNotations(
  { trx, tenantId }: TenantWork,
  {
    integrationId,
    requestedAt,
    learned,
  }: { integrationId: string; requestedAt: Date; learned: readonly LearnedNotation[] },
): Promise<void> {
  if (learned.length === 0) return;
  const rows = learned
    .map(({ recordId, notation }) => ({ record_id: recordId, notation }))
    .toSorted((a, b) => (a.record_id < b.record_id ? -1 : 1));
  const isAfter = new Date(requestedAt.getTime() - PUSH_RECORDED_WITHIN_MS);
  await sql`
    update record_links link set notation = row.notation
    from ${rowsFrom(rows, 'record_id uuid, notation jsonb')}
    where link.tenant_id = ${opaqueToPlanner(tenantId)} and link.integration_id = ${opaqueToPlanner(integrationId)}
      and link.record_id = any(${keysOf(rows, 'record_id')}) and link.record_id = row.record_id
      and link.updated_at <= ${isAfter}::timestamptz`.execute(trx);
}
