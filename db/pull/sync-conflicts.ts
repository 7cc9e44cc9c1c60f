/** Conflicts found while reading (rules.md 13, 17): fields changed on both sides, and ambiguous matches. */
import { type Selectable, sql } from 'kysely';
import type { TenantWork } from '../database';
import { rowsFrom } from '../sql/bulk-rows';
import { newUuid } from '../sql/ids';
import type { SyncConflictsTable } from '../tables/pull';
import type { NewConflict, PassKey } from './page';

export type SyncConflict = Omit<Selectable<SyncConflictsTable>, 'tenantId'> & { externalId: string | null };

/** Newest first, before `before` (a conflict's id). */
export async function listSyncConflicts(
  { trx, tenantId }: TenantWork,
  {
    integrationId,
    kind,
    limit,
    before,
  }: {
    integrationId?: string | undefined;
    kind?: SyncConflict['kind'] | undefined;
    limit: number;
    before?: string | undefined;
  },
): Promise<SyncConflict[]> {
  let query = trx
    .selectFrom('syncConflicts as conflict')
    .selectAll('conflict')
    .select(
      sql<
        string | null
      >`(select external_id from records where tenant_id = conflict.tenant_id and record_id = conflict.record_id)`.as(
        'externalId',
      ),
    )
    .where('conflict.tenantId', '=', tenantId);
  if (integrationId !== undefined) query = query.where('conflict.integrationId', '=', integrationId);
  if (kind !== undefined) query = query.where('conflict.kind', '=', kind);
  if (before !== undefined) query = query.where('conflict.syncConflictId', '<', before);
  return query.orderBy('conflict.syncConflictId', 'desc').limit(limit).execute();
}

/** An ambiguous match is stored once per remote record, and not again by every run. */
export async function insertConflicts(
  { trx, tenantId, now }: TenantWork,
  { integrationId, syncRunId, recordType }: PassKey,
  conflicts: readonly NewConflict[],
): Promise<void> {
  if (conflicts.length === 0) return;
  const rows = conflicts.map(({ remoteId, recordId, ours, theirs, ...conflict }) => ({
    ...conflict,
    conflict_id: newUuid(),
    remote_id: remoteId,
    record_id: recordId,
    ours: ours === undefined ? null : ours,
    theirs: theirs === undefined ? null : theirs,
  }));
  const columns =
    'conflict_id uuid, remote_id text, record_id uuid, kind text, field text, ' +
    'ours jsonb, theirs jsonb, winner text, detail text';
  await sql`
    insert into sync_conflicts (tenant_id, sync_conflict_id, integration_id, sync_run_id, record_type,
      remote_id, record_id, kind, field, ours, theirs, winner, detail, at)
    select ${tenantId}::uuid, conflict_id, ${integrationId}::uuid, ${syncRunId}::uuid, ${recordType},
      remote_id, record_id, kind, field, ours, theirs, winner, detail, ${now}::timestamptz
    from ${rowsFrom(rows, columns)}
    where row.kind <> 'ambiguous_match' or not exists (
      select from sync_conflicts known
      where known.tenant_id = ${tenantId} and known.integration_id = ${integrationId}
        and known.record_type = ${recordType} and known.remote_id = row.remote_id and known.kind = row.kind)`.execute(
    trx,
  );
}
