/** The rows of sync runs and their jobs, as they are read and locked. */
import type { Selectable } from 'kysely';
import type { TenantWork } from '../database';
import type { SyncJobsTable } from '../tables/pull';
import type { SyncRunsTable } from '../tables/sync-runs';

export type SyncRun = Selectable<SyncRunsTable>;
export type SyncJob = Selectable<SyncJobsTable>;

/** No page was stored since the pass began, or started over. */
export const isAtBeginning = ({ pages, firstPage }: SyncJob): boolean => pages === firstPage;

export interface RunKey {
  syncRunId: string;
}
export interface JobKey extends RunKey {
  recordType: string;
}

export async function findSyncRun(
  { trx, tenantId }: TenantWork,
  { syncRunId }: RunKey,
): Promise<SyncRun | undefined> {
  return trx
    .selectFrom('syncRuns')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', syncRunId)
    .executeTakeFirst();
}

/** Locked until the end of the transaction. */
export async function lockSyncRun(
  { trx, tenantId }: TenantWork,
  { syncRunId }: RunKey,
): Promise<SyncRun | undefined> {
  return trx
    .selectFrom('syncRuns')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', syncRunId)
    .forUpdate()
    .executeTakeFirst();
}

/** Metadata first, then by name. */
export async function listSyncJobs({ trx, tenantId }: TenantWork, { syncRunId }: RunKey): Promise<SyncJob[]> {
  return trx
    .selectFrom('syncJobs')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', syncRunId)
    .orderBy('recordType')
    .execute();
}

/**
 * Locked until the end of the transaction. Where both are needed, lock the run first. `noKeyUpdate` does not
 * conflict with rows that refer to the job.
 */
export async function lockSyncJob(
  { trx, tenantId }: TenantWork,
  { syncRunId, recordType }: JobKey,
  strength: 'update' | 'noKeyUpdate' = 'update',
): Promise<SyncJob | undefined> {
  return trx
    .selectFrom('syncJobs')
    .selectAll()
    .where('tenantId', '=', tenantId)
    .where('syncRunId', '=', syncRunId)
    .where('recordType', '=', recordType)
    .$call((query) => (strength === 'update' ? query.forUpdate() : query.forNoKeyUpdate()))
    .executeTakeFirst();
}
