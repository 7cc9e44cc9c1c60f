/**
 * A job of a Sync Now that pushes one record type: finds the differences (unless an overview has them), makes
 * them due, and waits until those pushes have ended. The push queue sends them.
 */
import type { Database, TenantWork } from '../../db/database';
import type { Integration } from '../../db/integrations/integrations';
import { EMPTY_JOB, lockOverviewJob, type OverviewJob } from '../../db/overviews/overview-jobs';
import type { SyncRun } from '../../db/pull/job-rows';
import { FIRST_ID } from '../../db/sql/ids';
import { recordPushOutcomes } from '../../db/sync-runs/sync-now-outcomes';
import { makeItemsDue } from '../../db/sync-runs/sync-now-pushes';
import type { OpenConnector } from '../dependencies';
import { OverviewReader } from '../overviews/overview-reader';

export interface SyncNowPushOptions {
  database: Database;
  tenantId: string;
  run: SyncRun;
  integration: Integration;
  opened: OpenConnector;
  recordType: string;
  recordsPerType: number;
  isWithinTimeBox(): boolean;
}

/** `waiting`: pushes have not ended yet. */
export type SyncNowPushResult = 'done' | 'more' | 'waiting';

const ITEMS_PER_TRANSACTION = 500;
const PUSHES_PER_LOOK = 1_000;
/** Waits for short pushes here, so that a small Sync Now ends at once. */
const CHECK_INTERVAL_MS = 250;
const SHORT_WAIT_MAX_MS = 20_000;

export async function pushSyncNow(parts: SyncNowPushOptions): Promise<SyncNowPushResult> {
  const { database, tenantId, run, integration, recordType } = parts;
  const inTenant = <T>(work: (context: TenantWork) => Promise<T>): Promise<T> =>
    database.withTenant(tenantId, work);
  if (run.overviewId === null && (await findDifferences(parts, inTenant)) === 'more') return 'more';
  const place = { syncRunId: run.syncRunId, overviewId: run.overviewId ?? run.syncRunId, recordType };

  for (;;) {
    const examined = await inTenant((work) =>
      makeItemsDue(work, { place, integration, actor: run.startedBy, limit: ITEMS_PER_TRANSACTION }),
    );
    if (examined < ITEMS_PER_TRANSACTION) break;
    if (!parts.isWithinTimeBox()) return 'more';
  }
  const startedAt = performance.now();
  let after = FIRST_ID;
  for (;;) {
    const look = { after, limit: PUSHES_PER_LOOK };
    const found = await inTenant((work) => recordPushOutcomes(work, place, integration, look));
    if (found.after === null) return 'done';
    after = found.after;
    if (performance.now() - startedAt > SHORT_WAIT_MAX_MS) return 'waiting';
    if (!parts.isWithinTimeBox()) return 'more';
    if (found.ended < PUSHES_PER_LOOK) await new Promise((resolve) => setTimeout(resolve, CHECK_INTERVAL_MS));
  }
}

/** Compares as an overview does. The differences are stored under the run's id until the run ends. */
async function findDifferences(
  {
    database,
    tenantId,
    run,
    integration,
    opened,
    recordType,
    recordsPerType,
    isWithinTimeBox,
  }: SyncNowPushOptions,
  inTenant: <T>(work: (context: TenantWork) => Promise<T>) => Promise<T>,
): Promise<'done' | 'more'> {
  const place = { overviewId: run.syncRunId, recordType, direction: 'push' as const };
  const job = await inTenant(async (work): Promise<OverviewJob | undefined> => {
    const { trx, now } = work;
    await trx
      .insertInto('overviewJobs')
      .values({ ...EMPTY_JOB, ...place, tenantId, state: 'queued', updatedAt: now })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    return lockOverviewJob(work, place);
  });
  if (job === undefined || job.finishedAt !== null || job.readFinishedAt !== null) return 'done';
  return new OverviewReader({
    database,
    tenantId,
    overviewId: run.syncRunId,
    integration,
    opened,
    job,
    recordsPerType,
    isWithinTimeBox,
  }).run();
}
