/** The items of an overview as the API lists them: filtered, searched and paged. */
import { type Selectable, sql } from 'kysely';
import type { OverviewAction } from '../../domain/overviews/overview';
import type { SyncDirection } from '../../domain/records/mapping-directions';
import type { TenantWork } from '../database';
import { inIndexOrder } from '../sql/index-order';
import type { OverviewItemsTable } from '../tables/overviews';

export type OverviewItem = Omit<
  Selectable<OverviewItemsTable>,
  'tenantId' | 'overviewId' | 'baseVersion' | 'remoteHash'
>;

export interface ItemFilter {
  direction?: SyncDirection | undefined;
  recordType?: string | undefined;
  action?: OverviewAction | undefined;
  /** Matches the local id, the remote id, or a value that would change. */
  search?: string | undefined;
}

/** In the order in which they were found. */
export async function listOverviewItems(
  work: TenantWork,
  {
    overviewId,
    direction,
    recordType,
    action,
    search,
    limit,
    after,
  }: ItemFilter & { overviewId: string; limit: number; after?: string | undefined },
): Promise<OverviewItem[]> {
  let query = work.trx
    .selectFrom('overviewItems')
    .select([
      'overviewItemId',
      'direction',
      'recordType',
      'action',
      'recordId',
      'externalId',
      'remoteId',
      'before',
      'after',
      'reason',
      'outcome',
    ])
    .where('tenantId', '=', work.tenantId)
    .where('overviewId', '=', overviewId);
  if (direction !== undefined) query = query.where('direction', '=', direction);
  if (recordType !== undefined) query = query.where('recordType', '=', recordType);
  if (action !== undefined) query = query.where('action', '=', action);
  if (after !== undefined) query = query.where('overviewItemId', '>', after);
  if (search !== undefined) {
    const pattern = `%${search.replaceAll(/[%_\\]/g, String.raw`\$&`)}%`;
    query = query.where(sql<boolean>`search_text like lower(${pattern})`);
  }
  return inIndexOrder(work, () => query.orderBy('overviewItemId').limit(limit).execute());
}
