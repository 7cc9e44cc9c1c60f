/**
 * The Sync Status log (rules.md 32, 36): how many records both sides held, as of the end of each sync run.
 */
import type { Selectable } from 'kysely';
import type { TenantWork } from '../database';
import type { SyncStatusesTable } from '../tables/sync-runs';

export type SyncStatus = Omit<Selectable<SyncStatusesTable>, 'tenantId'>;

export interface SyncStatusFilter {
  app?: string | undefined;
  accountName?: string | undefined;
  integrationId?: string | undefined;
  asOfAfter?: Date | undefined;
  asOfBefore?: Date | undefined;
}

/** Newest first, before `before` (an entry's id). */
export async function listSyncStatuses(
  { trx, tenantId }: TenantWork,
  {
    app,
    accountName,
    integrationId,
    asOfAfter,
    asOfBefore,
    limit,
    before,
  }: SyncStatusFilter & { limit: number; before?: string | undefined },
): Promise<SyncStatus[]> {
  let query = trx
    .selectFrom('syncStatuses')
    .select([
      'syncStatusId',
      'integrationId',
      'syncRunId',
      'app',
      'accountName',
      'asOf',
      'totalDifference',
      'totalSyncline',
      'totalApp',
      'breakdown',
    ])
    .where('tenantId', '=', tenantId);
  if (app !== undefined) query = query.where('app', '=', app);
  if (accountName !== undefined) query = query.where('accountName', '=', accountName);
  if (integrationId !== undefined) query = query.where('integrationId', '=', integrationId);
  if (asOfAfter !== undefined) query = query.where('asOf', '>=', asOfAfter);
  if (asOfBefore !== undefined) query = query.where('asOf', '<', asOfBefore);
  if (before !== undefined) query = query.where('syncStatusId', '<', before);
  return query.orderBy('syncStatusId', 'desc').limit(limit).execute();
}
