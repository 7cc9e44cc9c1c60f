/** The jobs of an overview, one per record type and direction. */
import type { Selectable } from 'kysely';
import type { SyncDirection } from '../../domain/records/mapping-directions';
import type { SyncError } from '../../domain/sync-error';
import type { TenantWork } from '../database';
import { sanitizeForPostgres } from '../sql/sanitize-text';
import type { OverviewJobsTable } from '../tables/overviews';
import type { OverviewKey } from './overviews';

export type OverviewJob = Selectable<OverviewJobsTable>;

export interface OverviewJobKey extends OverviewKey {
  recordType: string;
  direction: SyncDirection;
}

/** The columns of a job that has not started. */
export const EMPTY_JOB = {
  cursor: null,
  readFinishedAt: null,
  afterRecordId: null,
  comparedWith: null,
  expectedRecords: null,
  failingSince: null,
  waitingUntil: null,
  error: null,
  startedAt: null,
  finishedAt: null,
};

/** In the order in which they are executed. */
export async function listOverviewJobs(
  { trx, tenantId }: TenantWork,
  overviewIds: readonly string[],
): Promise<OverviewJob[]> {
  if (overviewIds.length === 0) return [];
  return trx
    .selectFrom('overviewJobs')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('overviewId', 'in', [...overviewIds])
    .orderBy('overviewId')
    .orderBy('direction')
    .orderBy('recordType')
    .execute();
}

export async function lockOverviewJob(
  { trx, tenantId }: TenantWork,
  place: OverviewJobKey,
): Promise<OverviewJob | undefined> {
  return trx
    .selectFrom('overviewJobs')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('overviewId', '=', place.overviewId)
    .where('recordType', '=', place.recordType)
    .where('direction', '=', place.direction)
    .forUpdate()
    .executeTakeFirst();
}

/** Has no effect on a job that has ended: its end may have been committed although the answer was lost. */
export async function changeOverviewJob(
  { trx, tenantId, now }: TenantWork,
  place: OverviewJobKey,
  change: Partial<Omit<OverviewJob, 'error'>> & { error?: SyncError | null },
): Promise<void> {
  const { error, ...columns } = change;
  await trx
    .updateTable('overviewJobs')
    .set({
      ...columns,
      ...(error === undefined
        ? {}
        : { error: error === null ? null : JSON.stringify(sanitizeForPostgres(error)) }),
      updatedAt: now,
    })
    .where('tenantId', '=', tenantId)
    .where('overviewId', '=', place.overviewId)
    .where('recordType', '=', place.recordType)
    .where('direction', '=', place.direction)
    .where('finishedAt', 'is', null)
    .execute();
}
