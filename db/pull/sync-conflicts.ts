/** Conflicts that were met while reading (rules.md 13, 17): fields changed on both sides, records that could not be told apart. */
import { type Selectable, sql } from 'kysely';
import type { TenantWork } from '../database';
import type { SyncConflictsTable } from '../tables/pull';

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
